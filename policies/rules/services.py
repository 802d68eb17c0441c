"""How a Service is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["service_no_external_ips", "service_not_node_port"]


@rule(
    id="service-not-node-port",
    severity="high",
    reason="A node port opens every node, past the gateway's TLS, authentication and limits",
    remedy="Use type ClusterIP, and a route for users from outside.",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
    kinds=("Service",),
)
def service_not_node_port(manifest: Manifest) -> Iterator[Finding]:
    """No Service of type NodePort."""
    kind = look(manifest, "spec", "type")
    if kind is UNKNOWN:
        yield Finding(path="spec.type", found="not known in a preview", unknown=True)
    elif kind == "NodePort":
        yield Finding(path="spec.type", found="opens a port on every node (NodePort)")


@rule(
    id="service-no-external-ips",
    severity="critical",
    reason="Who may set external IPs may take over any address, and read what others send there (CVE-2020-8554)",
    remedy="Remove externalIPs; use a route, or type LoadBalancer where the platform gives addresses.",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
    kinds=("Service",),
)
def service_no_external_ips(manifest: Manifest) -> Iterator[Finding]:
    """No Service with external IPs."""
    for address in items(look(manifest, "spec", "externalIPs")):
        if address is UNKNOWN:
            yield Finding(path="spec.externalIPs", found="not known in a preview", unknown=True)
        else:
            yield Finding(path="spec.externalIPs", found=f"claims the address {address}")
