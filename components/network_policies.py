"""The walls of a namespace, as NetworkPolicies: everything denied, then what is named let through."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.labels import SERVED_PORT, SLOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["METRICS_PORT", "Endpoint", "Opening", "Walls", "network_policies"]

METRICS_PORT = "metrics"
"""The name of the container port that is scraped."""

# Where NodeLocal DNSCache listens on every node that runs it; a link-local address is no pod and no selector finds it.
# Source: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
_NODE_LOCAL_DNS = "169.254.20.10/32"

_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]

# Where clouds answer who a node is, with credentials of its role: nobody's business in a team's pod.
_CLOUD_METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Other pods or networks to let through, to these ports (TCP, by number or container port's name); none is all.

    `namespaces` are names, in which all pods are meant, or those with the labels `pods`; `cidrs` are networks.
    """

    namespaces: Sequence[str] = ()
    pods: Mapping[str, str] = field(default_factory=dict)
    cidrs: Sequence[str] = ()
    ports: Sequence[int | str] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Pods here that stand behind a shared service, and who may reach them."""

    pods: Mapping[str, str]
    callers: Opening


@dataclass(frozen=True, kw_only=True)
class Walls:
    """What passes the walls of one namespace besides DNS, its own pods and its models' served port.

    `serving` is None where everybody may reach the served port.
    """

    inward: Sequence[Opening] = ()
    outward: Sequence[Opening] = ()
    metrics: Sequence[Opening] = ()
    serving: Sequence[Opening] | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)


def network_policies(walls: Walls) -> dict[str, dict[str, Any]]:
    """Give the specs of a namespace's policies by name: deny everything, then open what is named.

    A model's served port is open to every source unless callers are named: they are gateways, other teams' services
    and the API server's proxy (through which the guard sends its smoke request), and the last has a node's or a
    control plane's address, which no selector finds. Every other port of it is open to its own namespace alone.
    The kubelet's probes need no rule: traffic from a pod's own node is never denied.
    """
    everyone: list[Any] = [{"podSelector": {}}]
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    node_dns = {"ipBlock": {"cidr": _NODE_LOCAL_DNS}}
    models = {"matchExpressions": [{"key": SLOT, "operator": "Exists"}]}
    served = {"protocol": "TCP", "port": SERVED_PORT}
    both = ["Ingress", "Egress"]
    callers = [{"ports": [served]}]
    if walls.serving is not None:
        callers = [_rule(opening, "from", (SERVED_PORT,)) for opening in walls.serving]
    policies: dict[str, dict[str, Any]] = {
        "deny-all": {"podSelector": {}, "policyTypes": both},
        "allow-dns": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"to": [dns, node_dns], "ports": _DNS_PORTS}],
        },
        "allow-inside": {
            "podSelector": {},
            "policyTypes": both,
            "ingress": [{"from": everyone}],
            "egress": [{"to": everyone}],
        },
        "allow-serving": {"podSelector": models, "policyTypes": ["Ingress"], "ingress": callers},
    }
    if walls.inward:
        policies["allow-from"] = _ingress({}, [_rule(opening, "from") for opening in walls.inward])
    if walls.metrics:
        policies["allow-metrics"] = _ingress({}, [_rule(one, "from", (METRICS_PORT,)) for one in walls.metrics])
    for service, endpoint in walls.endpoints.items():
        selector = {"matchLabels": dict(endpoint.pods)}
        policies[f"allow-service-{service}"] = _ingress(selector, [_rule(endpoint.callers, "from")])
    if walls.outward:
        rules = [_rule(opening, "to") for opening in walls.outward]
        policies["allow-to"] = {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}
    return policies


def _ingress(selector: Mapping[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"podSelector": dict(selector), "policyTypes": ["Ingress"], "ingress": rules}


def _rule(opening: Opening, direction: str, ports: Sequence[int | str] = ()) -> dict[str, Any]:
    """Write one rule; `ports` stand where the opening names none.

    A namespace is found by the label that the API server itself sets to its name: no other can be had by whoever may
    label a namespace.
    """
    inside = {"podSelector": {"matchLabels": dict(opening.pods)}} if opening.pods else {}
    peers: list[dict[str, Any]] = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}, **inside}
        for namespace in opening.namespaces
    ]
    peers += [{"ipBlock": _block(cidr, direction)} for cidr in opening.cidrs]
    if not peers:
        raise ValueError("an opening without namespaces and networks would let everybody through")
    chosen = opening.ports or ports
    return {
        direction: peers,
        **({"ports": [{"protocol": "TCP", "port": port} for port in chosen]} if chosen else {}),
    }


def _block(cidr: str, direction: str) -> dict[str, Any]:
    """Write a network, on the way out without the metadata servers in it."""
    network = ipaddress.ip_network(cidr)
    inside = [
        one
        for one in map(ipaddress.ip_network, _CLOUD_METADATA)
        if one.version == network.version and one != network and one.subnet_of(network)  # type: ignore[arg-type]
    ]
    excepted = [str(one) for one in inside] if direction == "to" else []
    return {"cidr": cidr, **({"except": excepted} if excepted else {})}
