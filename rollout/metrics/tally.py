"""Counters of processes that come, restart and go, added up over a window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.metrics.exposition import Sample

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["Tally"]

_Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(kw_only=True)
class Tally:
    """What the pods of one slot counted since `known` processes were there.

    A process is a container's run: a pod's identity with its number of restarts, since a restart begins all counters
    anew. Reasons for each count:

    - A process that was there when the window began counts from its first reading: what it did before is not ours.
    - A process that came later counts from zero: all that it did, it did in the window.
    - A counter that falls has begun anew inside its process (a worker that was replaced) and counts from zero.
    - A series that a known process tells for the first time begins at zero: clients tell a label's series from its
      first request on.
    - A process that is gone keeps what it was last seen to count; what it did after that look is lost.
    """

    known: Collection[str]
    _last: dict[str, dict[_Series, float]] = field(default_factory=dict)
    _increases: dict[_Series, float] = field(default_factory=dict)
    _sums: dict[_Series, tuple[float, int]] = field(default_factory=dict)

    def read(self, process: str, samples: Iterable[Sample]) -> None:
        """Take in one reading of one process."""
        now = {sample.series: sample.value for sample in samples}
        before = self._last.get(process)
        if before is None and process not in self.known:
            before = {}
        if before is not None:
            for series, value in now.items():
                since = before.get(series, 0.0)
                self._increases[series] = self._increases.get(series, 0.0) + (
                    value - since if value >= since else value
                )
        self._last[process] = now

    def average(self, samples: Iterable[Sample]) -> None:
        """Take one reading into the means: of pods that serve, and not of the window's first moment."""
        for sample in samples:
            total, count = self._sums.get(sample.series, (0.0, 0))
            self._sums[sample.series] = (total + sample.value, count + 1)

    @property
    def increases(self) -> tuple[Sample, ...]:
        """What each series rose by, all processes together."""
        return _samples(self._increases)

    @property
    def means(self) -> tuple[Sample, ...]:
        """Each series' mean over pods and looks."""
        return _samples({series: total / count for series, (total, count) in self._sums.items()})


def _samples(values: Mapping[_Series, float]) -> tuple[Sample, ...]:
    return tuple(Sample(name=name, labels=dict(labels), value=value) for (name, labels), value in values.items())
