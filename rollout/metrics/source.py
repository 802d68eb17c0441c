"""What a rollout asks of whoever keeps metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.labels import SlotName
    from rollout.metrics.exposition import Sample

__all__ = ["MetricSource", "Seen"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one slot's pods told of a window, series by series, the pods added up or averaged.

    `increases` are what counters rose by, `means` the mean of each value over pods and time: which of the two a metric
    is read by depends on its kind, which its reader knows. `pods` are those that are ready, None where the source
    cannot tell. `troubles` say which of them could not be read, and why.
    """

    seconds: float
    pods: int | None = None
    increases: tuple[Sample, ...] = ()
    means: tuple[Sample, ...] = ()
    troubles: tuple[str, ...] = ()


class MetricSource(Protocol):
    """Metrics of a model's slots over a window that begins when the caller says so."""

    def begin(self) -> None:
        """Begin a window: what was counted before does not count. Never raises for what a pod or server does."""

    def look(self) -> Mapping[SlotName, Seen]:
        """Tell what both slots did since the window began. What cannot be read is named in `troubles`."""
