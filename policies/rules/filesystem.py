"""What containers may write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_only_root"]


@rule(
    id="read-only-root",
    severity="medium",
    reason="What cannot write to its own filesystem cannot be changed by an intruder, and restarts the same",
    remedy="Set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where the program writes.",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
    kinds=POD_KINDS,
    requires=True,
)
def read_only_root(manifest: Manifest) -> Iterator[Finding]:
    """Every container's root filesystem is read-only."""
    for container in containers(manifest):
        value = look(container.values, "securityContext", "readOnlyRootFilesystem")
        if value is UNKNOWN:
            yield container.unknown("securityContext", "readOnlyRootFilesystem")
        elif value is not True:
            yield container.finding("the root filesystem is writable")
