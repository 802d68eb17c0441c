"""Resource metrics: metrics-server beside the node's daemons."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import OK, Api
from sandbox.cluster.node_service import node_service, service_port
from sandbox.cluster.rbac import GROUP, READ, cluster_role_binding, rights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.network import Network
    from sandbox.process import ProcessStatus, Report

__all__ = ["ResourceMetrics"]

PORT = 4443
# The first measurement comes after one resolution, and counts after the second.
TIMEOUT = 90.0


class ResourceMetrics:
    """metrics-server on the node's address, the API by which autoscalers see CPU and memory."""

    def __init__(self, binaries: Mapping[str, Path], *, plane: ControlPlane, network: Network, report: Report) -> None:
        self._binaries = binaries
        self._plane = plane
        self._network = network
        self._report = report

    def start(self) -> None:
        """Start metrics-server and register its API; `ready` waits until it has measured.

        Not before it listens: an API that is registered and does not answer stops the deletion of namespaces.
        """
        plane, node = self._plane, self._network.node
        user = "sandbox:metrics-server"
        rules = [
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods", "nodes", "namespaces"], "verbs": READ},
        ]
        reader = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": user, "namespace": "kube-system"},
            "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
        }
        for manifest in (
            *rights(user, rules),
            cluster_role_binding(f"{user}:delegator", "system:auth-delegator", user),
            reader,
            *node_service("metrics-server", node, [service_port("https", 443, "TCP", PORT)]),
        ):
            plane.api.apply(manifest)
        kubeconfig = plane.write_kubeconfig("metrics-server", user)
        hosts = ["metrics-server.kube-system.svc", node]
        serving = plane.authority.issue("metrics-server-serving", "metrics-server", hosts=hosts)
        plane.processes.start(
            "metrics-server",
            [
                self._binaries["metrics-server"],
                f"--kubeconfig={kubeconfig}",
                f"--authentication-kubeconfig={kubeconfig}",
                f"--authorization-kubeconfig={kubeconfig}",
                f"--bind-address={node}",
                f"--secure-port={PORT}",
                f"--tls-cert-file={serving.certificate}",
                f"--tls-private-key-file={serving.key}",
                f"--kubelet-certificate-authority={plane.authority.pair.certificate}",
                "--kubelet-preferred-address-types=InternalIP",
                # The shortest that upstream takes; its time limit for a kubelet, here on this machine, must be shorter.
                "--metric-resolution=10s",
                "--kubelet-request-timeout=5s",
            ],
        )
        plane.processes.wait(
            "metrics-server",
            lambda: self._complaint() is None,
            timeout=TIMEOUT,
            report=self._report,
        )
        plane.api.apply(_metrics_api(plane.authority.pair.certificate))

    def ready(self) -> None:
        """Wait until the API server reaches it and it has measured the node."""
        self._plane.processes.wait(
            "metrics-server", self._has_measured, timeout=TIMEOUT, report=self._report, what="resource metrics"
        )

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._plane.processes.status("metrics-server", self._complaint)

    def _has_measured(self) -> bool:
        status, body = self._plane.api.request("GET", "/apis/metrics.k8s.io/v1beta1/nodes")
        return status == OK and bool(json.loads(body)["items"])

    def _complaint(self) -> str | None:
        # Not /readyz: it calls a server unready that has no pod to measure.
        authority = self._plane.authority
        admin = authority.issue("admin", "ml-platform:admin", organization="system:masters")
        return Api(self._network.node, PORT, authority=authority.pair, client=admin).health("/livez")


def _metrics_api(authority: Path) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
            "caBundle": base64.b64encode(authority.read_bytes()).decode(),
        },
    }
