"""How many pods run: what a slot's HorizontalPodAutoscaler is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from components.labels import HOLD, SERVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

__all__ = [
    "Behavior",
    "ExternalMetric",
    "Floor",
    "PodsMetric",
    "Rules",
    "Scale",
    "Step",
    "autoscaler_annotations",
    "autoscaler_spec",
]

# The API server's own bounds. Source: ValidateHorizontalPodAutoscaler in Kubernetes 1.36.
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800


@dataclass(frozen=True, kw_only=True)
class PodsMetric:
    """A metric that each pod reports, averaged over them (`type: Pods`)."""

    name: str
    per_pod: str
    """The average to keep to, a quantity: `50`, `500m`."""

    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExternalMetric:
    """A metric from outside the cluster, such as a queue's length (`type: External`).

    Raises ValueError unless exactly one of `per_pod` and `total` is given.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    per_pod: str | None = None
    """The value to keep to, divided by the number of pods."""

    total: str | None = None
    """The value to keep to as it is."""

    def __post_init__(self) -> None:
        if (self.per_pod is None) == (self.total is None):
            raise ValueError(f"metric {self.name}: exactly one of perPod and total")


@dataclass(frozen=True, kw_only=True)
class Step:
    """How much one period may change: `pods` or `percent`, one of the two. Raises ValueError otherwise."""

    period: int
    """Seconds, 1 to 1800."""

    pods: int | None = None
    percent: int | None = None

    def __post_init__(self) -> None:
        if (self.pods is None) == (self.percent is None):
            raise ValueError("behavior.policies: exactly one of pods and percent")
        if not 1 <= self.period <= _LONGEST_PERIOD:
            raise ValueError(f"behavior.policies.period: {self.period} s is not within 1 to {_LONGEST_PERIOD} s")
        if (self.pods or self.percent or 0) < 1:
            raise ValueError("behavior.policies: less than 1 never changes anything")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How fast an autoscaler goes one way; None leaves upstream's own default. Raises ValueError out of bounds."""

    stabilization: int | None = None
    """Seconds, 0 to 3600, over which the most cautious recommendation counts."""

    select: Literal["Max", "Min", "Disabled"] | None = None
    policies: Sequence[Step] = ()

    def __post_init__(self) -> None:
        if self.stabilization is not None and not 0 <= self.stabilization <= _LONGEST_WINDOW:
            raise ValueError(
                f"behavior.stabilizationWindow: {self.stabilization} s is not within 0 to {_LONGEST_WINDOW} s"
            )


@dataclass(frozen=True, kw_only=True)
class Behavior:
    """How fast an autoscaler follows, in either direction."""

    up: Rules | None = None
    down: Rules | None = None


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How far a slot's autoscaler may go, and by what. Raises ValueError for what no autoscaler takes."""

    min: int
    max: int

    cpu: int | None
    """The mean use of CPU to keep to, in percent of what the pods request; None leaves it out of account."""

    memory: int | None = None
    """The same of memory."""

    metrics: Sequence[PodsMetric | ExternalMetric] = ()
    behavior: Behavior | None = None

    def __post_init__(self) -> None:
        if self.min < 1:
            # The API server refuses 0 unless a feature gate and an external metric are there; and an autoscaler
            # whose target stands at zero is off.
            raise ValueError(f"scale.min: {self.min} is below 1")
        if self.max < self.min:
            raise ValueError(f"scale.max: {self.max} is below scale.min: {self.min}")
        if self.cpu is None and self.memory is None and not self.metrics:
            # Silence would mean upstream's default, CPU at 80 %: the very thing that was turned off.
            raise ValueError("scale: no metric is left to scale by")


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The least number of pods of a slot, where it is another than `scale.min`, and what is kept beside it."""

    min_replicas: int
    """As decided by whoever knows the live state: more during a switch, fewer in a slot that idles."""

    hold: str | None = None
    """Why and for how long, as in `4 until 2026-03-01T12:00:00Z`; None when nothing is held."""

    served: pulumi.Input[str] | None = None
    """The versions that have served, as the guard writes them down."""


def autoscaler_spec(deployment: str, scale: Scale, floor: Floor | None) -> dict[str, Any]:
    """Give the spec of the autoscaler that owns the size of a Deployment."""
    # A floor above scale.max is no valid autoscaler: whoever lowers the maximum while a hold lasts gets it.
    least = scale.min if floor is None else max(1, min(floor.min_replicas, scale.max))
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "minReplicas": least,
        "maxReplicas": scale.max,
        "metrics": [
            *_resource("cpu", scale.cpu),
            *_resource("memory", scale.memory),
            *(_metric(metric) for metric in scale.metrics),
        ],
    }
    if scale.behavior is not None and (behavior := _behavior(scale.behavior)):
        spec["behavior"] = behavior
    return spec


def autoscaler_annotations(floor: Floor | None) -> dict[str, pulumi.Input[str]]:
    """Give what is written beside a floor: why it is, and what has served."""
    if floor is None:
        return {}
    written = {HOLD: floor.hold, SERVED: floor.served}
    return {key: value for key, value in written.items() if value is not None}


def _resource(name: str, percent: int | None) -> list[dict[str, Any]]:
    if percent is None:
        return []
    target = {"type": "Utilization", "averageUtilization": percent}
    return [{"type": "Resource", "resource": {"name": name, "target": target}}]


def _metric(metric: PodsMetric | ExternalMetric) -> dict[str, Any]:
    identifier: dict[str, Any] = {"name": metric.name}
    if metric.labels:
        identifier["selector"] = {"matchLabels": dict(metric.labels)}
    if isinstance(metric, PodsMetric):
        average = {"type": "AverageValue", "averageValue": metric.per_pod}
        return {"type": "Pods", "pods": {"metric": identifier, "target": average}}
    target = (
        {"type": "AverageValue", "averageValue": metric.per_pod}
        if metric.total is None
        else {"type": "Value", "value": metric.total}
    )
    return {"type": "External", "external": {"metric": identifier, "target": target}}


def _behavior(behavior: Behavior) -> dict[str, Any]:
    both = {"scaleUp": behavior.up, "scaleDown": behavior.down}
    return {key: written for key, rules in both.items() if rules is not None and (written := _rules(rules))}


def _rules(rules: Rules) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if rules.stabilization is not None:
        written["stabilizationWindowSeconds"] = rules.stabilization
    if rules.select is not None:
        written["selectPolicy"] = rules.select
    if rules.policies:
        written["policies"] = [
            {
                "type": "Percent" if step.pods is None else "Pods",
                "value": step.percent if step.pods is None else step.pods,
                "periodSeconds": step.period,
            }
            for step in rules.policies
        ]
    return written
