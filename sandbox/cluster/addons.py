"""Cluster DNS and resource metrics: processes beside the node's, behind Services without selectors."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import OK, Api, answers
from sandbox.cluster.files import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.network import Network
    from sandbox.process import ProcessStatus, Report

__all__ = ["ClusterDns", "ResourceMetrics"]

RBAC = "rbac.authorization.k8s.io"
DNS_READY_PORT = 8181
METRICS_PORT = 4443
DNS_TIMEOUT = 30.0
# The first measurement comes after one resolution, and counts after the second.
METRICS_TIMEOUT = 90.0
READ = ["get", "list", "watch"]


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
        ports = [_port("dns", 53, "UDP"), _port("dns-tcp", 53, "TCP")]
        for manifest in (
            _role(user, rules),
            _binding(user, user, user),
            *_service("kube-dns", self._network.node, ports, address=self._network.dns),
        ):
            self._plane.api.apply(manifest)
        kubeconfig = self._plane.write_kubeconfig("coredns", user)
        corefile = self._directory / "Corefile"
        write(corefile, _corefile(self._network.node, kubeconfig))
        self._plane.processes.start("coredns", [self._binaries["coredns"], "-conf", corefile])

    def ready(self) -> None:
        """Wait until names are answered."""
        self._plane.processes.wait(
            "coredns", lambda: self._complaint() is None, timeout=DNS_TIMEOUT, report=self._report
        )

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._plane.processes.status("coredns", self._complaint)

    def _complaint(self) -> str | None:
        return answers(self._network.node, DNS_READY_PORT, "/ready")


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
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": user, "namespace": "kube-system"},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        }
        for manifest in (
            _role(user, rules),
            _binding(user, user, user),
            _binding(f"{user}:delegator", "system:auth-delegator", user),
            reader,
            *_service("metrics-server", node, [_port("https", 443, "TCP", METRICS_PORT)]),
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
                f"--secure-port={METRICS_PORT}",
                f"--tls-cert-file={serving.certificate}",
                f"--tls-private-key-file={serving.key}",
                f"--kubelet-certificate-authority={plane.authority.pair.certificate}",
                "--kubelet-preferred-address-types=InternalIP",
                # The shortest that is longer than its time limit for one kubelet, 10 s.
                "--metric-resolution=15s",
            ],
        )
        plane.processes.wait(
            "metrics-server",
            lambda: self._complaint() is None,
            timeout=METRICS_TIMEOUT,
            report=self._report,
        )
        plane.api.apply(_metrics_api(plane.authority.pair.certificate))

    def ready(self) -> None:
        """Wait until the API server reaches it and it has measured the node."""
        self._plane.processes.wait(
            "metrics-server", self._has_measured, timeout=METRICS_TIMEOUT, report=self._report, what="resource metrics"
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
        return Api(self._network.node, METRICS_PORT, authority=authority.pair, client=admin).health("/livez")


def _corefile(address: str, kubeconfig: Path) -> str:
    # The sandbox has no way out: a name that is not the cluster's does not exist, and is said so at once, since a
    # resolver would wait seconds for a server that does not answer.
    return f"""cluster.local:53 in-addr.arpa:53 {{
    bind {address}
    errors
    ready {address}:{DNS_READY_PORT}
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


def _port(name: str, port: int, protocol: str, target: int | None = None) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": protocol, "targetPort": target or port}


def _service(
    name: str, node: str, ports: Sequence[dict[str, Any]], *, address: str | None = None
) -> list[dict[str, Any]]:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"ports": list(ports)} | ({"clusterIP": address} if address else {}),
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-node",
            "namespace": "kube-system",
            "labels": {
                "kubernetes.io/service-name": name,
                "endpointslice.kubernetes.io/managed-by": "ml-platform-sandbox",
            },
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [node], "conditions": {"ready": True}}],
        "ports": [{"name": port["name"], "port": port["targetPort"], "protocol": port["protocol"]} for port in ports],
    }
    return [service, endpoints]


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


def _role(name: str, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
