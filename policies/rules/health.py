"""How a cluster learns that a pod serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from policies.rules.pods import SERVING_KINDS, containers, only_holds_room, pod_specs
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.pods import Container

__all__ = ["probes"]

_HANDLERS = ("httpGet", "tcpSocket", "grpc", "exec")


@rule(
    id="probes",
    severity="high",
    reason="Without a readiness probe requests reach a pod that cannot answer; without a liveness probe it stays so",
    remedy="Set readinessProbe and livenessProbe on every container that keeps running; liveness asks something else,"
    " or gives up later.",
    source="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    kinds=SERVING_KINDS,
    requires=True,
)
def probes(manifest: Manifest) -> Iterator[Finding]:
    """Every container of a pod that is meant to run on has both probes. A Pod that ends by itself needs none.

    Where both ask the same, a pod that is merely busy is restarted as soon as it is taken out of service, unless
    liveness gives up later. Pods that only hold room for others have nothing to be asked.
    """
    if only_holds_room(manifest):
        return
    for spec in pod_specs(manifest):
        policy = look(spec.values, "restartPolicy")
        if manifest.get("kind") == "Pod" and policy in ("Never", "OnFailure"):
            return
    for container in containers(manifest, "containers"):
        missing = []
        for probe in ("readinessProbe", "livenessProbe"):
            value = look(container.values, probe)
            if value is UNKNOWN:
                yield container.unknown(probe)
            elif not value:
                missing.append(probe)
        if missing:
            yield container.finding(f"no {' and no '.join(missing)}")
        yield from _hasty(container)


def _hasty(container: Container) -> Iterator[Finding]:
    live, ready = (look(container.values, probe) for probe in ("livenessProbe", "readinessProbe"))
    if isinstance(live, Mapping) and isinstance(ready, Mapping) and _asked(live) == _asked(ready):
        late, soon = _patience(live), _patience(ready)
        if late is None or soon is None or UNKNOWN in _asked(live):
            yield container.unknown("livenessProbe")
        elif late <= soon:
            yield container.finding("liveness asks what readiness asks, and gives up no later")


def _asked(probe: Mapping[str, Any]) -> list[Any]:
    return [probe.get(handler) for handler in _HANDLERS]


def _patience(probe: Mapping[str, Any]) -> float | None:
    """Return after how many seconds of failure a probe gives up; upstream's defaults are 10 s and 3 times."""
    period, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
    return period * failures if isinstance(period, int | float) and isinstance(failures, int | float) else None
