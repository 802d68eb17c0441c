"""NetworkPolicies that are enforced: kube-router beside the node's daemons, and nothing of it but its firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.cluster.api import answers
from sandbox.cluster.commands import run
from sandbox.cluster.node_files import NODE
from sandbox.cluster.rbac import READ, rights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.namespaces import Namespaces
    from sandbox.cluster.network import Network
    from sandbox.process import ProcessStatus, Report

__all__ = ["Walls"]

PORT = 20244
# Its first look at all pods and policies, and the tables written.
TIMEOUT = 60.0
USER = "sandbox:kube-router"
BRIDGED = "/proc/sys/net/bridge/bridge-nf-call-iptables"


class Walls:
    """kube-router on the node: of every packet between pods it asks whether a policy lets it through.

    Packets between pods of one bridge pass no firewall unless the kernel is told so; that setting belongs to the
    network namespace, and so to the sandbox alone.
    """

    def __init__(
        self,
        binaries: Mapping[str, Path],
        *,
        plane: ControlPlane,
        namespaces: Namespaces,
        network: Network,
        report: Report,
    ) -> None:
        self._binaries = binaries
        self._plane = plane
        self._namespaces = namespaces
        self._network = network
        self._report = report

    def start(self) -> None:
        """Start it; `ready` waits until it has looked at everything once."""
        plane, network = self._plane, self._network
        for manifest in rights(USER, _rules()):
            plane.api.apply(manifest)
        run([*self._namespaces.prefix, "sh", "-c", f"echo 1 > {BRIDGED}"])
        plane.processes.start(
            "kube-router",
            [
                self._binaries["kube-router"],
                f"--kubeconfig={plane.write_kubeconfig('kube-router', USER)}",
                f"--hostname-override={NODE}",
                "--run-firewall=true",
                "--run-router=false",
                "--run-service-proxy=false",
                f"--service-cluster-ip-range={network.services}",
                # It looks at once when something changes; this is for what it missed.
                "--iptables-sync-period=1m",
                f"--health-port={PORT}",
            ],
        )

    def ready(self) -> None:
        """Wait until the tables are written. Raises ProcessError where they are not in time."""
        self._plane.processes.wait(
            "kube-router", lambda: self._complaint() is None, timeout=TIMEOUT, report=self._report
        )

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._plane.processes.status("kube-router", self._complaint)

    def _complaint(self) -> str | None:
        return answers(self._network.node, PORT, "/healthz")


def _rules() -> list[dict[str, object]]:
    return [
        {"apiGroups": [""], "resources": ["endpoints", "namespaces", "nodes", "pods", "services"], "verbs": READ},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    ]
