"""What a container may do to its node and to itself: Pod Security Standards, checked before the cluster is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, Container, containers, pod_specs
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["privileged", "read_only_root", "run_as_non_root"]

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"


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


@rule(
    id="pss-privileged",
    severity="critical",
    reason="A pod with the node's privileges or namespaces, or with its files, owns the node and all that runs there",
    remedy="Remove it; where a node agent cannot do without, it belongs to the platform's own namespaces.",
    source=f"{_STANDARDS}#baseline",
    kinds=POD_KINDS,
)
def privileged(manifest: Manifest) -> Iterator[Finding]:
    """No privileged container, no namespace of the host, no host path, no host port."""
    for spec in pod_specs(manifest):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            value = look(spec.values, key)
            if value is UNKNOWN:
                yield Finding(path=f"{spec.path}.{key}", found="not known in a preview", unknown=True)
            elif value:
                yield Finding(path=f"{spec.path}.{key}", found="shares the node's namespace")
        for index, volume in enumerate(items(look(spec.values, "volumes"))):
            path = f"{spec.path}.volumes[{index}]"
            value = look(volume, "hostPath")
            if value is UNKNOWN:
                yield Finding(path=path, found="not known in a preview", unknown=True)
            elif value is not None:
                yield Finding(path=path, found="mounts a path of the node (hostPath)")
    for container in containers(manifest):
        yield from _container_privileges(container)


def _container_privileges(container: Container) -> Iterator[Finding]:
    value = look(container.values, "securityContext", "privileged")
    if value is UNKNOWN:
        yield container.unknown("securityContext", "privileged")
    elif value:
        yield container.finding("runs privileged")
    for port in items(look(container.values, "ports")):
        value = look(port, "hostPort")
        if value is UNKNOWN:
            yield container.unknown("ports")
        elif value:
            yield container.finding(f"takes port {value} of the node")


@rule(
    id="pss-run-as-non-root",
    severity="high",
    reason="Root in a container is root on the node once it breaks out",
    remedy="Set securityContext.runAsNonRoot: true on the pod or on every container, and no runAsUser: 0.",
    source=f"{_STANDARDS}#restricted",
    kinds=POD_KINDS,
    requires=True,
)
def run_as_non_root(manifest: Manifest) -> Iterator[Finding]:
    """Every container must run as a user other than root; a container's own setting wins over its pod's."""
    for spec in pod_specs(manifest):
        pod_says = look(spec.values, "securityContext", "runAsNonRoot")
        pod_user = look(spec.values, "securityContext", "runAsUser")
        for container in containers(manifest):
            own_says = look(container.values, "securityContext", "runAsNonRoot")
            own_user = look(container.values, "securityContext", "runAsUser")
            says = pod_says if own_says is None else own_says
            user = pod_user if own_user is None else own_user
            if says is UNKNOWN or user is UNKNOWN:
                yield container.unknown("securityContext")
            elif says is not True:
                yield container.finding("may run as root (no runAsNonRoot: true)")
            elif user == 0:
                yield container.finding("runs as root (runAsUser: 0)")
