"""How a pod says that it has started, is ready and is alive."""

from __future__ import annotations

from typing import Annotated

from infra.settings.duration import duration
from infra.settings.values import Section, UrlPath

__all__ = ["Probes", "StartProbe"]


class StartProbe(Section):
    """How a starting pod shows that it has loaded its model."""

    path: UrlPath | None = None
    """The path that is asked. By default the liveness probe's, since a startup probe holds that one back until it
    succeeds once.

    Default: `live`.
    Upstream: container `startupProbe.httpGet.path`.
    Example: `path: /health/started`
    """

    within: Annotated[int, duration("1s", "7d")] = 120
    """The time after which a pod that has not started is restarted. Loading a model of some GiB takes a minute or
    more; Kubernetes has no startup probe by default and would let the liveness probe kill it after 30 s.

    Upstream: container `startupProbe.failureThreshold` times `periodSeconds`.
    Example: `within: 10m`
    """


class Probes(Section):
    """Paths that the kubelet asks. The names are those of the API server's own endpoints."""

    ready: UrlPath = "/readyz"
    """Answers 2xx while requests may be sent.

    Upstream: container `readinessProbe.httpGet.path`.
    Example: `ready: /health/ready`
    """

    live: UrlPath = "/healthz"
    """Answers 2xx while the process can still recover by itself.

    Upstream: container `livenessProbe.httpGet.path`.
    Example: `live: /health/live`
    """

    start: StartProbe = StartProbe()
    """How a starting pod shows that it has loaded its model."""
