"""From samples to the figures that are judged: requests, failures, answer times, a model's own metrics."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from infra.settings.analysis import Analysis, MetricBound
    from rollout.metrics import Sample, Seen

__all__ = ["Figures", "Histogram", "figures", "wanted"]

_TOTAL = "_total"


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Answer times: how many were at most so many seconds, by rising bound; the last bound is infinity."""

    buckets: tuple[tuple[float, float], ...]

    @property
    def count(self) -> float:
        """How many were measured."""
        return self.buckets[-1][1] if self.buckets else 0.0

    def quantile(self, share: float) -> float | None:
        """Return the time within which this share was answered, None without measurements.

        Within a bucket it is interpolated, as PromQL's histogram_quantile does. Above the highest finite bound it is
        infinite, where PromQL gives that bound: an answer that slow must not look like one just within it.
        """
        rank = share * self.count
        if not rank > 0:
            return None
        below, lower = 0.0, 0.0
        for bound, count in self.buckets:
            if count >= rank:
                if math.isinf(bound):
                    return math.inf
                return lower + (bound - lower) * (rank - below) / (count - below)
            below, lower = count, bound
        return None

    def slower(self, seconds: float) -> float:
        """Return how many were certainly slower than this: those above the first bound that is not below it."""
        within = next((count for bound, count in self.buckets if bound >= seconds), self.count)
        return self.count - within


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one slot did in a window.

    `failed` is None where errors are not looked at, `latency` where times are not; a metric of the model's own is None
    where no pod told it. `untold` names what of requests and times no pod told at all. `pods` are the ready ones, None
    where unknown.
    """

    seconds: float
    requests: float
    failed: float | None = None
    latency: Histogram | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    pods: int | None = None
    untold: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def error_rate(self) -> float:
        """Which share of requests failed; not a number without requests."""
        return (self.failed or 0.0) / self.requests if self.requests else math.nan

    @property
    def p95(self) -> float | None:
        """The 95th percentile in seconds."""
        return None if self.latency is None else self.latency.quantile(0.95)


def wanted(analysis: Analysis) -> set[str]:
    """Return the names of all series that the figures are made of."""
    names = set()
    if analysis.error_rate is not None:
        names.add(analysis.error_rate.counter)
    if analysis.latency is not None:
        names.add(f"{analysis.latency.histogram}_bucket")
    for key, bound in analysis.metrics.items():
        name = bound.metric or key
        names |= {name} if name.endswith(_TOTAL) else {name, f"{name}_sum", f"{name}_count"}
    return names


def figures(seen: Seen, analysis: Analysis, quiet: Collection[str]) -> Figures:
    """Make one slot's figures.

    `quiet` are the paths that only the platform asks, such as probes: series that name one are left out unless a
    section says which labels it wants.
    """
    failed: float | None = None
    requests: float | None = None
    latency: Histogram | None = None
    untold = []
    if (errors := analysis.error_rate) is not None:
        counted = list(_chosen(seen.increases, errors.counter, errors.labels, quiet))
        requests = sum(sample.value for sample in counted)
        bad = re.compile(errors.failed)
        failed = sum(sample.value for sample in counted if bad.fullmatch(sample.labels.get(errors.label, "")))
        if not counted:
            untold.append(errors.counter)
        elif not any(errors.label in sample.labels for sample in counted):
            untold.append(f"{errors.counter}'s label {errors.label}")
    if (times := analysis.latency) is not None:
        name = f"{times.histogram}_bucket"
        latency = _histogram(_chosen(seen.increases, name, times.labels, quiet))
        if not latency.buckets:
            untold.append(times.histogram)
        if requests is None:
            requests = latency.count
    metrics = {
        key: _metric(bound.metric or key, bound, seen, requests or 0.0) for key, bound in analysis.metrics.items()
    }
    return Figures(
        seconds=seen.seconds,
        requests=requests or 0.0,
        failed=failed,
        latency=latency,
        metrics=metrics,
        pods=seen.pods,
        untold=tuple(untold),
        troubles=seen.troubles,
    )


def _chosen(
    samples: Iterable[Sample], name: str, labels: Mapping[str, str], quiet: Collection[str]
) -> Iterable[Sample]:
    for sample in samples:
        if sample.name != name:
            continue
        if labels:
            if all(sample.labels.get(label) == value for label, value in labels.items()):
                yield sample
        elif not any(value in quiet for value in sample.labels.values()):
            yield sample


def _histogram(samples: Iterable[Sample]) -> Histogram:
    """Add up buckets of all series; a bound that is no number is left out."""
    counts: dict[float, float] = {}
    for sample in samples:
        try:
            bound = float(sample.labels.get("le", ""))
        except ValueError:
            continue
        counts[bound] = counts.get(bound, 0.0) + sample.value
    return Histogram(buckets=tuple(sorted(counts.items())))


def _metric(name: str, bound: MetricBound, seen: Seen, requests: float) -> float | None:
    """Return a counter's increase a request, a histogram's or summary's mean, a gauge's mean over pods and time."""

    def sum_of(series: str) -> tuple[float, int]:
        chosen = [sample.value for sample in _chosen(seen.increases, series, bound.labels, ())]
        return sum(chosen), len(chosen)

    if name.endswith(_TOTAL):
        increase, told = sum_of(name)
        return increase / requests if told and requests else None
    count, told = sum_of(f"{name}_count")
    if told:
        return sum_of(f"{name}_sum")[0] / count if count else None
    values = [sample.value for sample in _chosen(seen.means, name, bound.labels, ())]
    return sum(values) / len(values) if values else None
