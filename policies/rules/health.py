"""How a cluster learns that a pod serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pods import SERVING_KINDS, containers, pod_specs
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["probes"]


@rule(
    id="probes",
    severity="high",
    reason="Without a readiness probe requests reach a pod that cannot answer; without a liveness probe it stays so",
    remedy="Set readinessProbe and livenessProbe on every container that keeps running.",
    source="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    kinds=SERVING_KINDS,
    requires=True,
)
def probes(manifest: Manifest) -> Iterator[Finding]:
    """Every container of a pod that is meant to run on has both probes. A Pod that ends by itself needs none."""
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
