"""Cluster DNS: CoreDNS beside the node's daemons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.cluster.api import answers
from sandbox.cluster.files import write
from sandbox.cluster.node_service import node_service, service_port
from sandbox.cluster.rbac import READ, rights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.network import Network
    from sandbox.process import ProcessStatus, Report

__all__ = ["ClusterDns"]

READY_PORT = 8181
TIMEOUT = 30.0


class ClusterDns:
    """CoreDNS on the node's address, reached as Service kube-dns."""

    def __init__(
        self, directory: Path, binaries: Mapping[str, Path], *, plane: ControlPlane, network: Network, report: Report
    ) -> None:
        self._directory = directory
        self._binaries = binaries
        self._plane = plane
        self._network = network
        self._report = report

    def start(self) -> None:
        """Start CoreDNS and declare its Service; `ready` waits for it."""
        user = "sandbox:coredns"
        rules = [
            {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": READ},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
        ]
        ports = [service_port("dns", 53, "UDP"), service_port("dns-tcp", 53, "TCP")]
        for manifest in (
            *rights(user, rules),
            *node_service("kube-dns", self._network.node, ports, address=self._network.dns),
        ):
            self._plane.api.apply(manifest)
        kubeconfig = self._plane.write_kubeconfig("coredns", user)
        corefile = self._directory / "Corefile"
        write(corefile, _corefile(self._network.node, kubeconfig))
        self._plane.processes.start("coredns", [self._binaries["coredns"], "-conf", corefile])

    def ready(self) -> None:
        """Wait until names are answered."""
        self._plane.processes.wait("coredns", lambda: self._complaint() is None, timeout=TIMEOUT, report=self._report)

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._plane.processes.status("coredns", self._complaint)

    def _complaint(self) -> str | None:
        return answers(self._network.node, READY_PORT, "/ready")


def _corefile(address: str, kubeconfig: Path) -> str:
    # The sandbox has no way out: a name that is not the cluster's does not exist, and is said so at once, since a
    # resolver would wait seconds for a server that does not answer.
    return f"""cluster.local:53 in-addr.arpa:53 {{
    bind {address}
    errors
    ready {address}:{READY_PORT}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 5
    }}
    cache 5
    loadbalance
}}
.:53 {{
    bind {address}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
