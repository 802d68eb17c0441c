"""The gateway: Traefik beside the node's daemons, for Gateways and Ingresses of class `traefik`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import answers
from sandbox.cluster.files import write
from sandbox.cluster.gateway_api import GATEWAY_CLASS
from sandbox.cluster.rbac import READ, Rule, rights
from sandbox.cluster.readiness import has_condition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.cluster.certificates import Pair
    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.network import Network
    from sandbox.process import ProcessStatus, Report

__all__ = ["Gateway"]

HEALTH_PORT = 9080
TIMEOUT = 30.0
GROUP = "gateway.networking.k8s.io"
KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants")


class Gateway:
    """Traefik on the node's address, ports 80 and 443: listeners of Gateways bind to these two and no other."""

    def __init__(
        self, directory: Path, binaries: Mapping[str, Path], *, plane: ControlPlane, network: Network, report: Report
    ) -> None:
        self._directory = directory
        self._binaries = binaries
        self._plane = plane
        self._network = network
        self._report = report

    def start(self) -> None:
        """Start Traefik, which needs the Gateway API's kinds; `ready` waits for it."""
        user = "sandbox:traefik"
        for manifest in rights(user, _rules()):
            self._plane.api.apply(manifest)
        kubeconfig = self._plane.write_kubeconfig("traefik", user)
        dynamic = self._directory / "traefik-dynamic.yaml"
        static = self._directory / "traefik.yaml"
        # JSON is YAML too, and needs no library of ours to be written right.
        default = self._plane.authority.issue("traefik-default", "traefik", hosts=[self._network.node])
        write(dynamic, json.dumps(_dynamic(default), indent=1))
        write(static, json.dumps(_static(self._network.node, dynamic), indent=1))
        self._plane.processes.start(
            "traefik",
            [self._binaries["traefik"], f"--configFile={static}"],
            # The only way to hand a kubeconfig to its Kubernetes providers.
            environment={"KUBECONFIG": str(kubeconfig)},
        )

    def ready(self) -> None:
        """Wait until it answers and has taken its class, which says that it reaches the API server."""
        path = f"/apis/{GROUP}/v1/gatewayclasses/{GATEWAY_CLASS}"
        self._plane.processes.wait(
            "traefik",
            lambda: self._complaint() is None and has_condition(self._plane.api.get(path), "Accepted"),
            timeout=TIMEOUT,
            report=self._report,
            what="the gateway",
        )

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._plane.processes.status("traefik", self._complaint)

    def _complaint(self) -> str | None:
        return answers(self._network.node, HEALTH_PORT, "/ping")


def _rules() -> list[Rule]:
    """Return what upstream's manifests grant, without the kinds of the experimental channel, which are not installed.

    Certificates are Secrets of any namespace: Traefik reads all, and cannot be told to read fewer.
    """
    return [
        {"apiGroups": [""], "resources": ["namespaces", "nodes", "services", "secrets"], "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
        {"apiGroups": [GROUP], "resources": list(KINDS), "verbs": READ},
        {"apiGroups": [GROUP], "resources": [f"{kind}/status" for kind in KINDS], "verbs": ["update"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": READ},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"]},
    ]


def _static(address: str, dynamic: Path) -> dict[str, Any]:
    routed = {"http": {"middlewares": ["another-pod@file"]}}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "INFO", "noColor": True},
        "entryPoints": {
            "web": {"address": f"{address}:80", **routed},
            "websecure": {"address": f"{address}:443", **routed},
            "health": {"address": f"{address}:{HEALTH_PORT}"},
        },
        "ping": {"entryPoint": "health"},
        "providers": {
            # The default, two seconds, would be most of the time that a switch takes to reach new requests; ours is
            # kube-proxy's in this sandbox.
            "providersThrottleDuration": "100ms",
            "kubernetesGateway": {"statusAddress": {"ip": address}},
            "kubernetesIngress": {
                "ingressClass": GATEWAY_CLASS,
                "ingressEndpoint": {"ip": address},
                # As the specification of Ingress has it: /v1 is no prefix of /v10.
                "strictPrefixMatching": True,
            },
            "file": {"filename": str(dynamic), "watch": False},
        },
        "serversTransport": {
            "forwardingTimeouts": {
                # A pod is on this machine: one that has not taken a connection by then is gone (default: 30 s).
                "dialTimeout": "2s",
                # Servers close idle connections after 2 s (gunicorn), 5 s (uvicorn, Node.js) or later. A gateway
                # that keeps them longer (default: 90 s) now and then sends a request into one that is being closed,
                # and a POST cannot be sent twice: it must be the first to let go.
                "idleConnTimeout": "1s",
            }
        },
    }


def _dynamic(default: Pair) -> dict[str, Any]:
    certificate = {"certFile": str(default.certificate), "keyFile": str(default.key)}
    return {
        # Asks the next pod when one takes no connection, which is never when a request was written already: nothing
        # is done twice.
        "http": {"middlewares": {"another-pod": {"retry": {"attempts": 3}}}},
        # For names of no listener. Without one Traefik makes up another at every change of any route, and an RSA key
        # takes it longer, half a second on a busy machine, than all the rest of a switch.
        "tls": {"stores": {"default": {"defaultCertificate": certificate}}},
    }
