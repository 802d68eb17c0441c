"""Where a slot's figures come from: `MetricSource` is what a rollout asks, pods and Prometheus are who answers."""

from __future__ import annotations

from rollout.metrics.exposition import Sample
from rollout.metrics.source import MetricSource, Seen

__all__ = ["MetricSource", "Sample", "Seen"]
