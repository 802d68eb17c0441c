"""How many pods a slot has: the HorizontalPodAutoscaler, key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from infra.settings.duration import duration
from infra.settings.quantity import Quantity
from infra.settings.values import FrozenMap, Section, Text, empty

__all__ = ["DEFAULT_MIN", "Behavior", "Direction", "External", "Metric", "Scale", "ScalingPolicy", "default_max"]

DEFAULT_MIN = 2

Percent = Annotated[int, Field(ge=1, le=100)]


class External(Section):
    """A metric that belongs to no object of the cluster: a queue's length, for one."""

    labels: FrozenMap[Text, Text] = Field(default_factory=empty)
    """Which series of the metric. All of them by default.

    Upstream: HorizontalPodAutoscaler `metrics[].external.metric.selector.matchLabels`.
    Example: `labels: {queue: churn}`
    """


class Metric(Section):
    """A metric other than CPU and memory, served by an adapter such as the Prometheus adapter or KEDA."""

    name: Annotated[str, Field(min_length=1)]
    """The metric's name, as `custom.metrics.k8s.io` or `external.metrics.k8s.io` serves it.

    Upstream: HorizontalPodAutoscaler `metrics[].pods.metric.name`.
    Example: `name: http_requests_per_second`
    """

    per_pod: Quantity | None = None
    """The value that one pod can bear on average. Either this or `total`.

    Upstream: HorizontalPodAutoscaler `metrics[].pods.target.averageValue`.
    Example: `perPod: 50`
    """

    total: Quantity | None = None
    """The value that is right for the slot as a whole; for an external metric only. Either this or `perPod`.

    Upstream: HorizontalPodAutoscaler `metrics[].external.target.value`.
    Example: `total: 1k`
    """

    labels: FrozenMap[Text, Text] = Field(default_factory=empty)
    """Which series of the pods' metric. All of them by default.

    Upstream: HorizontalPodAutoscaler `metrics[].pods.metric.selector.matchLabels`.
    Example: `labels: {path: /predict}`
    """

    external: External | None = None
    """Given, even as `{}`, for a metric that belongs to no object of the cluster. By default it is the pods' own."""


class ScalingPolicy(Section):
    """One bound on how fast a slot grows or shrinks. Either `percent` or `pods`."""

    percent: Annotated[int, Field(ge=1)] | None = None
    """At most this share of the pods there are, in a period.

    Upstream: HorizontalPodAutoscaler `behavior.scaleUp.policies[].value` of type Percent.
    Example: `percent: 100`
    """

    pods: Annotated[int, Field(ge=1)] | None = None
    """At most so many pods in a period.

    Upstream: HorizontalPodAutoscaler `behavior.scaleUp.policies[].value` of type Pods.
    Example: `pods: 4`
    """

    period: Annotated[int, duration("1s", "30m")]
    """The period; half an hour is upstream's bound.

    Upstream: HorizontalPodAutoscaler `behavior.scaleUp.policies[].periodSeconds`.
    Example: `period: 1m`
    """


class Direction(Section):
    """How fast a slot grows, or shrinks. What is not given is the autoscaler's own default."""

    stabilization_window: Annotated[int, duration("0s", "1h")] | None = None
    """How far back the autoscaler looks for a size that was still needed. Upstream's default is 0 s up, so that load
    is met at once, and 5 m down, so that a pause does not cost the pods that the next minute needs.

    Upstream: HorizontalPodAutoscaler `behavior.scaleDown.stabilizationWindowSeconds`.
    Example: `stabilizationWindow: 10m`
    """

    select: Literal["Max", "Min", "Disabled"] | None = None
    """Which of several policies counts; Disabled forbids the direction. Upstream's default is Max.

    Upstream: HorizontalPodAutoscaler `behavior.scaleDown.selectPolicy`.
    Example: `select: Min`
    """

    policies: Annotated[tuple[ScalingPolicy, ...], Field(strict=False)] = ()
    """The bounds. Upstream's default is 100 % or 4 pods in 15 s up, whichever is more, and 100 % in 15 s down.

    Upstream: HorizontalPodAutoscaler `behavior.scaleDown.policies`.
    Example: `policies: [{percent: 10, period: 1m}]`
    """


class Behavior(Section):
    """How fast a slot may grow and shrink."""

    scale_up: Direction | None = None
    """Growing. Upstream's own behaviour by default.

    Upstream: HorizontalPodAutoscaler `behavior.scaleUp`.
    """

    scale_down: Direction | None = None
    """Shrinking. Upstream's own behaviour by default.

    Upstream: HorizontalPodAutoscaler `behavior.scaleDown`.
    """


def default_max(given: dict[str, Any]) -> int:
    """Return `max` where it is not given, from what is: twice `min`."""
    return 2 * int(given.get("min", DEFAULT_MIN))


class Scale(Section):
    """The HorizontalPodAutoscaler of each slot."""

    min: Annotated[int, Field(ge=1)] = DEFAULT_MIN
    """Pods that a slot has at least. Two, since one pod is gone whenever its node is; upstream's default is 1.

    Upstream: HorizontalPodAutoscaler `minReplicas`.
    Example: `min: 3`
    """

    max: Annotated[int, Field(ge=1)] = Field(default_factory=default_max)
    """Pods that a slot has at most, which is what it may cost at most. Twice `min` by default: room for twice the
    usual load, and a bill that is no surprise. Upstream has no default.

    Default: twice `min`.
    Upstream: HorizontalPodAutoscaler `maxReplicas`.
    Example: `max: 20`
    """

    cpu: Percent | None = 80
    """Average CPU in percent of the request above which pods are added. 80 is upstream's default for an autoscaler
    without metrics. `null` where another metric alone is to count.

    Upstream: HorizontalPodAutoscaler `metrics[].resource.target.averageUtilization` of `cpu`.
    Example: `cpu: 60`
    """

    memory: Percent | None = None
    """Average memory in percent of the request above which pods are added. None by default: a process seldom gives
    memory back, so that pods would be added and never taken away.

    Upstream: HorizontalPodAutoscaler `metrics[].resource.target.averageUtilization` of `memory`.
    Example: `memory: 80`
    """

    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = ()
    """Further metrics; the one that asks for most pods counts. None by default: each needs an adapter in the cluster.

    Upstream: HorizontalPodAutoscaler `metrics`.
    Example: `metrics: [{name: http_requests_per_second, perPod: 50}]`
    """

    behavior: Behavior = Behavior()
    """How fast a slot may grow and shrink."""
