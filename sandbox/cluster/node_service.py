"""A Service whose one endpoint is a process on the node's address instead of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["node_service", "service_port"]


def service_port(name: str, port: int, protocol: str, target: int | None = None) -> dict[str, Any]:
    """Return a port of a Service; `target` is the process's own port where it is another."""
    return {"name": name, "port": port, "protocol": protocol, "targetPort": target or port}


def node_service(
    name: str, node: str, ports: Sequence[dict[str, Any]], *, address: str | None = None
) -> list[dict[str, Any]]:
    """Return a Service in kube-system and its endpoint; `address` is the Service's own where it must be known."""
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
