"""How a rollout judges a canary: its steps, how long it looks, and what the slots' own metrics may say.

Read by `python -m rollout`, which walks the steps; the program itself deploys whatever `canary.percent` says.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from infra.settings.checked import Checked
from infra.settings.duration import duration, exact_duration
from infra.settings.errors import quote
from infra.settings.values import FrozenMap, Section, Text, UrlPath, empty

__all__ = ["Analysis", "ErrorRate", "Latency", "MetricBound", "Percent", "Source"]

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PODS: Literal["pods"] = "pods"


def _share(value: object) -> float:
    """Turn `1%` into 0.01. A bare number is refused: nobody could tell 1 percent from all of it."""
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"bad share {quote(value)}; allowed: a number with a percent sign, such as 1% or 0.5%")
    share = float(match[1]) / 100
    if share > 1:
        raise ValueError(f"{quote(value)} is too large; at most 100%")
    return share


def _metric(value: str) -> str:
    if not _METRIC.fullmatch(value):
        raise ValueError(f"bad metric {quote(value)}; allowed: letters, digits, '_' and ':', as Prometheus names them")
    return value


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError(f"bad label {quote(value)}; allowed: letters, digits and '_', not beginning with a digit")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"bad pattern {quote(value)}: {error}") from None
    return value


def _source(value: str) -> str:
    if value == _PODS:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"unknown source {quote(value)}; allowed: pods, or the http:// or https:// URL of Prometheus")
    if parts.username or parts.password:
        raise ValueError("a credential in the source's URL; put a bearer token into the variable PROMETHEUS_TOKEN")
    return value.rstrip("/")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no bound; allowed: a finite number")
    return value


Percent = Annotated[
    float, Checked(_share, words="share, such as 1%", schema={"type": "string", "pattern": f"^{_PERCENT.pattern}$"})
]
"""A share of requests, written `1%`, held as 0.01."""

MetricName = Annotated[str, AfterValidator(_metric)]
LabelName = Annotated[str, AfterValidator(_label)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Labels = FrozenMap[LabelName, Text]
Source = Annotated[str, AfterValidator(_source)]
Number = Annotated[float, AfterValidator(_finite)]
Step = Annotated[int, Field(ge=1, le=100)]
Factor = Annotated[float, Field(ge=1), AfterValidator(_finite)]


class ErrorRate(Section):
    """Which share of its requests a canary may fail. Flagger's `request-success-rate`, the other way round."""

    max: Percent = 0.01
    """At most this share. One percent: the `min: 99` that Flagger's own examples ask of `request-success-rate`.

    Upstream: Flagger `analysis.metrics[].thresholdRange`; Argo Rollouts `failureCondition`.
    Example: `max: 0.5%`
    """

    worse: Percent | None = 0.01
    """At most this much above the active slot's share, in points of a percent. It binds where `max` was raised for a
    model that fails a few anyway; one of the `requests` below may always fail. Null does not compare.

    Example: `worse: 0.5%`
    """

    counter: MetricName = "http_requests_total"
    """The counter of answered requests: what the usual Prometheus middleware of web frameworks calls it.

    Example: `counter: nv_inference_request_total`
    """

    label: LabelName = "status"
    """Its label with the HTTP status.

    Example: `label: code`
    """

    failed: Pattern = "5.*"
    """The statuses that count as failed, as a whole (a regular expression). 4xx do not: they are the caller's own
    mistakes.

    Example: `failed: "5..|429"`
    """

    labels: Labels = Field(default_factory=empty)
    """Only series with these labels. By default all but those of probes and of the metrics path, whichever label names
    them: what the kubelet asks would water down what users are answered.

    Example: `labels: {path: /predict}`
    """


class Latency(Section):
    """How slow a canary may be: its 95th percentile. Flagger's `request-duration`."""

    p95: Annotated[float, exact_duration("1ms", "1h")] | None = None
    """At most this. None by default: what is slow, only the model's users know.

    Upstream: Flagger `analysis.metrics[].thresholdRange.max` of `request-duration`.
    Example: `p95: 500ms`
    """

    ratio: Factor | None = 1.5
    """At most so many times the active slot's: half as slow again. Upstream has no default, since Flagger and Argo
    compare with fixed thresholds unless a query of one's own does otherwise. Null does not compare.

    Example: `ratio: 1.2`
    """

    slack: Annotated[float, exact_duration("0s", "1h")] = 0.025
    """A canary this little slower is never too slow, whatever the ratio: from 25 to 50 milliseconds is one step of the
    default buckets of Prometheus' clients, and nothing finer is known.

    Example: `slack: 5ms`
    """

    histogram: MetricName = "http_request_duration_seconds"
    """The histogram of answer times in seconds, without `_bucket`.

    Example: `histogram: request_predict_seconds`
    """

    labels: Labels = Field(default_factory=empty)
    """Only series with these labels; by default as in `errorRate.labels`.

    Example: `labels: {path: /predict}`
    """


class MetricBound(Section):
    """What a metric of the model's own may say.

    Compared is the mean of a histogram or summary, a counter's (`..._total`) increase a request, and a gauge's mean
    over pods and time.
    """

    metric: MetricName | None = None
    """The metric's name. By default the key of this section; given where one metric has several bounds.

    Example: `metric: predictions_total`
    """

    labels: Labels = Field(default_factory=empty)
    """Only series with these labels. All by default.

    Example: `labels: {label: setosa}`
    """

    min: Number | None = None
    """At least this. No bound by default.

    Example: `min: 0.1`
    """

    max: Number | None = None
    """At most this. No bound by default.

    Example: `max: 0.9`
    """

    ratio: Factor | None = None
    """Within this factor of the active slot's value, up or down: 1.25 allows a quarter more and a fifth less. Not
    compared by default: a better model may well say something else.

    Example: `ratio: 1.25`
    """

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None and self.ratio is None:
            raise ValueError("bounds nothing; give min, max or ratio")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Analysis(Section):
    """When a canary may go on. What is not measured counts as failed."""

    steps: Annotated[tuple[Step, ...], Field(strict=False, min_length=1)] = (10, 50, 100)
    """The canary's shares in percent, each watched for a window before the next; after the last one the slots switch. A
    tenth shows what fails and hurts few, a half shows what load does, and at 100 the switch is still taken back by a
    route alone.

    Upstream: Argo Rollouts `steps[].setWeight`, Flagger `analysis.stepWeights`.
    Example: `steps: [5, 20, 50, 100]`
    """

    window: Annotated[int, duration("1s", "1d")] = 120
    """How long each step is watched. Two minutes: eight scrapes of a Prometheus at its usual 15 s.

    Upstream: Argo Rollouts `steps[].pause.duration`.
    Example: `window: 10m`
    """

    interval: Annotated[int, duration("1s", "1h")] = 10
    """The time between two looks. What is certainly bad ends a step at once, so this bounds what a bad canary costs.

    Upstream: Flagger `analysis.interval`, Argo Rollouts `metrics[].interval`.
    Example: `interval: 30s`
    """

    requests: Annotated[int, Field(ge=1)] = 100
    """Requests that a slot must have answered in a window; fewer are no data, and no data is failure. A hundred: one
    failed request is then the 1 % that `errorRate` allows, with fewer a single one would decide.

    Example: `requests: 1000`
    """

    error_rate: ErrorRate | None = Field(default_factory=ErrorRate)
    """Which share of requests may fail. Null for a model that does not tell it; `latency` then counts the requests."""

    latency: Latency | None = Field(default_factory=Latency)
    """How slow answers may be. Null for a model that does not tell it."""

    metrics: FrozenMap[MetricName, MetricBound] = Field(default_factory=empty)
    """The model's own metrics by name: a mean probability, the share of a label. None by default.

    Upstream: Flagger `MetricTemplate`, Argo Rollouts `AnalysisTemplate`.
    Example: `metrics: {prediction_probability: {min: 0.6}}`
    """

    source: Source = _PODS
    """Where metrics are read: `pods` asks every ready pod through the API server, which needs nothing in the cluster;
    a URL is Prometheus' own, whose targets must carry the usual labels `namespace` and `pod`.

    Upstream: Argo Rollouts `metrics[].provider.prometheus.address`, Flagger `metricsServer`.
    Example: `source: http://prometheus.monitoring.example.com:9090`
    """

    path: UrlPath = "/metrics"
    """Where a pod tells its metrics; Prometheus' own default.

    Upstream: Prometheus `scrape_configs[].metrics_path`.
    Example: `path: /actuator/prometheus`
    """

    @property
    def compares(self) -> bool:
        """Whether anything is held against the active slot, so that it must be measured too."""
        return (
            (self.error_rate is not None and self.error_rate.worse is not None)
            or (self.latency is not None and self.latency.ratio is not None)
            or any(bound.ratio is not None for bound in self.metrics.values())
        )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(later <= earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError(f"steps {list(self.steps)} do not rise; allowed: percentages in rising order")
        if self.interval > self.window:
            raise ValueError(f"interval {self.interval} s is longer than window {self.window} s")
        if self.error_rate is None and self.latency is None:
            raise ValueError("errorRate and latency are both null, so nothing counts the requests; keep one")
        return self
