"""Whether a canary may go on: pure, from the figures of both slots. Every reason is a sentence with its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.words import count, millis, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.analysis import Analysis, ErrorRate, Latency, MetricBound
    from rollout.figures import Figures

__all__ = ["Judge", "certain_share"]

# Standard deviations by which a share must be above its bound before a step ends early. A step is looked at a dozen
# times; three make one false alarm in some hundred steps, and a version that fails 5 % where 1 % is allowed is known
# after about a hundred requests.
_CERTAIN = 3.0
_SLOW_SHARE = 0.05  # of answers may be slower than the 95th percentile


def certain_share(bad: float, total: float) -> float:
    """Return the share that is at least bad, given this sample: the lower end of Wilson's score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not 0 < bad <= total:  # not a number, either, is never certain
        return 0.0
    share, square = bad / total, _CERTAIN**2
    centre = share + square / (2 * total)
    spread = _CERTAIN * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    return (centre - spread) / (1 + square / total)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Judges the slot `canary` beside the slot `active` by a model's analysis."""

    analysis: Analysis
    canary: str
    active: str

    def already(self, canary: Figures) -> list[str]:
        """Return why the canary is bad already, before its window has ended: only what more requests cannot mend."""
        found = []
        if canary.pods == 0:
            found.append(f"no data: no pod of {self.canary} is ready")
        errors, times = self.analysis.error_rate, self.analysis.latency
        if errors is not None and certain_share(canary.failed or 0.0, canary.requests) > errors.max:
            found.append(self._failed(errors, canary))
        if times is not None and times.p95 is not None and canary.latency is not None:
            slower = canary.latency.slower(times.p95)
            if certain_share(slower, canary.latency.count) > _SLOW_SHARE:
                found.append(self._slow(times.p95, canary.p95))
        return found

    def at_the_end(self, canary: Figures, active: Figures | None) -> list[str]:
        """Return why the canary may not go on, at the end of its window; nothing where it may.

        `active` is None where the analysis compares nothing. No data is a reason, and so is nonsense.
        """
        missing = self.missing(self.canary, canary)
        if active is not None:
            missing += self.missing(self.active, active)
        if missing:
            return missing
        return [
            *self._errors(canary, active),
            *self._latency(canary, active),
            *(
                reason
                for name, bound in self.analysis.metrics.items()
                for reason in self._own(name, bound, canary, active)
            ),
        ]

    def missing(self, slot: str, seen: Figures) -> list[str]:
        """Return what is not known of a slot and must be."""
        if seen.troubles:
            more = f" (and {len(seen.troubles) - 1} more)" if len(seen.troubles) > 1 else ""
            return [f"no data of {slot}: {seen.troubles[0]}{more}"]
        numbers = [
            seen.requests,
            seen.failed,
            None if seen.latency is None else seen.latency.count,
        ]
        if any(value is not None and not math.isfinite(value) for value in numbers):
            return [f"nonsense from {slot}: its metrics are not numbers"]
        untold = f"no {' and no '.join(seen.untold)} was told" if seen.untold else ""
        if seen.requests < self.analysis.requests:
            answered = f"{slot} answered {count(seen.requests)} requests in {seen.seconds:.0f} s"
            needed = f"at least {self.analysis.requests} are needed"
            return ["; ".join(part for part in (f"no data: {answered}", needed, untold) if part)]
        return [f"no data of {slot}: {untold}"] if untold else []

    def _errors(self, canary: Figures, active: Figures | None) -> Iterator[str]:
        rule = self.analysis.error_rate
        if rule is None:
            return
        if canary.error_rate > rule.max:
            yield self._failed(rule, canary)
        elif active is not None and rule.worse is not None and canary.error_rate > active.error_rate + rule.worse:
            yield (
                f"{self.canary} failed {percent(canary.error_rate)} of its {count(canary.requests)} requests,"
                f" {self.active} {percent(active.error_rate)}; at most {percent(rule.worse)} more is allowed"
            )

    def _failed(self, rule: ErrorRate, canary: Figures) -> str:
        return (
            f"{self.canary} failed {percent(canary.error_rate)} of its {count(canary.requests)} requests;"
            f" at most {percent(rule.max)} is allowed"
        )

    def _latency(self, canary: Figures, active: Figures | None) -> Iterator[str]:
        rule = self.analysis.latency
        if rule is None:
            return
        p95 = canary.p95
        if p95 is None:
            yield f"no data: {self.canary} told no times of its answers"
        elif rule.p95 is not None and p95 > rule.p95:
            yield self._slow(rule.p95, p95)
        elif active is not None and rule.ratio is not None:
            yield from self._slower(rule, rule.ratio, p95, active.p95)

    def _slow(self, most: float, p95: float | None) -> str:
        return f"{self.canary} answers 95 % of its requests within {millis(p95)}; at most {millis(most)} is allowed"

    def _slower(self, rule: Latency, ratio: float, p95: float, theirs: float | None) -> Iterator[str]:
        if theirs is None:
            yield f"no data: {self.active} told no times of its answers"
        elif math.isinf(p95):
            yield f"{self.canary}'s 95th percentile is above its histogram's last bound, so that it cannot be compared"
        elif p95 > max(theirs * ratio, theirs + rule.slack):
            yield (
                f"{self.canary} answers 95 % of its requests within {millis(p95)}, {self.active} within"
                f" {millis(theirs)}; at most {number(ratio)} times that is allowed"
            )

    def _own(self, name: str, bound: MetricBound, canary: Figures, active: Figures | None) -> Iterator[str]:
        value, theirs = canary.metrics[name], None
        told = [(self.canary, value)]
        if active is not None and bound.ratio is not None:
            theirs = active.metrics[name]
            told.append((self.active, theirs))
        for slot, one in told:
            if one is None:
                yield f"no data of {slot}: no {name} was told"
                return
            if not math.isfinite(one):
                yield f"nonsense from {slot}: its {name} is {one}"
                return
        if value is None:
            return
        if bound.min is not None and value < bound.min:
            yield f"{self.canary}'s {name} is {number(value)}; at least {number(bound.min)} is allowed"
        elif bound.max is not None and value > bound.max:
            yield f"{self.canary}'s {name} is {number(value)}; at most {number(bound.max)} is allowed"
        elif theirs is not None and bound.ratio is not None and not _within(value, theirs, bound.ratio):
            yield (
                f"{self.canary}'s {name} is {number(value)}, {self.active}'s {number(theirs)};"
                f" a factor of {number(bound.ratio)} is allowed"
            )


def _within(value: float, other: float, factor: float) -> bool:
    """Whether two values differ by at most a factor; values of different signs differ by more than any."""
    if value == other:
        return True
    if value * other <= 0:
        return False
    quotient = value / other
    return 1 / factor <= quotient <= factor
