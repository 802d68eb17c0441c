"""The baseline standard's controls of what a pod shares with its node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pod_security.control import control, settings, wrong
from policies.rules.pods import containers_of
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.pods import Place, PodSpec
    from policies.rules.rule import Finding

__all__ = [
    "host_namespaces",
    "host_path_volumes",
    "host_ports",
    "host_probes_and_host_lifecycle",
    "privileged",
    "windows_host_process",
]

_PROBES = (("livenessProbe",), ("readinessProbe",), ("startupProbe",))
_HOOKS = (("lifecycle", "postStart"), ("lifecycle", "preStop"))


@control(
    upstream="hostNamespaces",
    level="baseline",
    severity="critical",
    reason="A pod in its node's network, process or IPC namespace sees and reaches what all others do there",
    remedy="Remove hostNetwork, hostPID and hostIPC; node agents belong to the platform's own namespaces.",
)
def host_namespaces(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No namespace of the host."""
    del version
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        yield from wrong(spec.at(key), lambda value: "shares the node's namespace" if value else None)


@control(
    upstream="hostPathVolumes",
    level="baseline",
    severity="critical",
    reason="Who writes to a node's files owns the node, and who reads them has its credentials",
    remedy="Mount a PersistentVolumeClaim, a ConfigMap, a Secret or an emptyDir.",
)
def host_path_volumes(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No volume of type hostPath."""
    del version
    for volume in _volumes(spec):
        yield from wrong(
            volume.at("hostPath"), lambda value: None if value is None else "mounts a path of the node (hostPath)"
        )


def _volumes(spec: PodSpec) -> Iterator[Place]:
    held = spec.at("volumes")
    for index, values in enumerate(items(held.values)):
        yield type(held)(path=f"{held.path}[{index}]", values=values)


@control(
    upstream="hostPorts",
    level="baseline",
    severity="high",
    reason="A port of the node is past every network policy, and keeps a second pod off the node",
    remedy="Remove hostPort; reach the pod through a Service.",
)
def host_ports(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No port of the host."""
    del version
    for container in containers_of(spec):
        for index, port in enumerate(items(look(container.values, "ports"))):
            value = look(port, "hostPort")
            if value is UNKNOWN:
                yield container.unknown(f"ports[{index}].hostPort")
            elif value:
                yield container.finding(f"takes port {value} of the node")


@control(
    upstream="hostProbesAndHostLifecycle",
    level="baseline",
    severity="high",
    reason="A probe with a host lets a pod's author send requests from the node to anywhere that the node reaches",
    remedy="Leave host out of httpGet and tcpSocket: the pod itself is asked.",
    since="1.34",
)
def host_probes_and_host_lifecycle(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No host in a probe or in a lifecycle hook."""
    del version
    for container in containers_of(spec):
        for handler in (*_PROBES, *_HOOKS):
            for action in ("httpGet", "tcpSocket"):
                yield from wrong(
                    container.at(*handler, action, "host"),
                    lambda value: f'names the host "{value}"' if value else None,
                )


@control(
    upstream="privileged",
    level="baseline",
    severity="critical",
    reason="A privileged container is root on its node, with all that runs there",
    remedy="Remove securityContext.privileged; add the one capability that is missing, if the standards allow it.",
)
def privileged(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No privileged container."""
    del version
    for container in containers_of(spec):
        yield from wrong(
            container.at("securityContext", "privileged"), lambda value: "runs privileged" if value else None
        )


@control(
    upstream="windowsHostProcess",
    level="baseline",
    severity="critical",
    reason="A HostProcess container of Windows has its node's privileges",
    remedy="Remove securityContext.windowsOptions.hostProcess.",
)
def windows_host_process(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No HostProcess container."""
    del version
    for place in settings(spec, "windowsOptions", "hostProcess"):
        yield from wrong(place, lambda value: "runs as a process of the host" if value else None)
