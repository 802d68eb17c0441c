"""What containers may take from their node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["requests_limits"]

# No CPU limit is asked for: CPU is shared out by the requests, and a limit throttles a container on an idle node.
_NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


@rule(
    id="requests-limits",
    severity="high",
    reason="Without requests a pod lands where there is no room; without a memory limit it takes neighbours down",
    remedy="Set resources.requests.cpu, resources.requests.memory and resources.limits.memory on every container.",
    source="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    kinds=POD_KINDS,
    requires=True,
)
def requests_limits(manifest: Manifest) -> Iterator[Finding]:
    """Every container, init containers included, has requests for CPU and memory and a memory limit.

    Ephemeral containers cannot have any.
    """
    for container in containers(manifest, "initContainers", "containers"):
        missing = []
        for path in _NEEDED:
            value = look(container.values, "resources", *path)
            if value is UNKNOWN:
                yield container.unknown("resources", *path)
            elif value in (None, ""):
                missing.append(f"resources.{'.'.join(path)}")
        if missing:
            yield container.finding(f"no {', '.join(missing)}")
