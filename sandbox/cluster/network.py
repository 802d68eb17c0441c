"""The network that joins a sandbox's namespace to this machine: one veth pair and two routes."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.cluster.commands import run
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.remembered import remembered

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Network", "chosen_network", "connect", "disconnect"]


@dataclass(frozen=True)
class Network:
    """The addresses of one sandbox, all parts of one free /16."""

    block: str
    device: str

    @property
    def host(self) -> str:
        """Return this machine's address."""
        return self._address(1)

    @property
    def node(self) -> str:
        """Return the node's address, where the API server and the registry are as well."""
        return self._address(2)

    @property
    def services(self) -> str:
        """Return the range of Services, 4,094 of them: benchmarks make many."""
        return f"{self._address(16 << 8)}/20"

    @property
    def pods(self) -> str:
        """Return the range of pods."""
        return f"{self._address(32 << 8)}/20"

    @property
    def dns(self) -> str:
        """Return the cluster DNS Service's address: the tenth of the range, as kubeadm has it."""
        return self._address((16 << 8) + 10)

    @property
    def ranges(self) -> list[str]:
        """Return what must not go through a proxy."""
        return [f"{self._address(0)}/24", self.services, self.pods]

    def _address(self, offset: int) -> str:
        return str(ipaddress.ip_network(self.block)[offset])


def chosen_network(path: Path, name: str) -> Network:
    """Return the sandbox's network: the remembered one, else one that no route of this machine touches.

    The first candidate follows from the sandbox's name, so that two that start at the same moment choose apart.
    """
    return Network(**remembered(path, lambda known: known or {"block": _free_block(name), "device": name}))


def _free_block(name: str) -> str:
    taken = [ipaddress.ip_network(route["dst"]) for route in _routes() if route["dst"] != "default"]
    # 10.0 to 10.63 hold most clouds', offices' and clusters' own defaults, 172.17 to 172.19 Docker's.
    blocks = [f"10.{second}.0.0/16" for second in range(64, 255)] + [f"172.{n}.0.0/16" for n in range(20, 32)]
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % len(blocks)
    for block in blocks[start:] + blocks[:start]:
        if not any(ipaddress.ip_network(block).overlaps(other) for other in taken):
            return block
    raise ClusterError(
        "no private /16 between 10.64.0.0 and 10.254.0.0 or 172.20.0.0 and 172.31.0.0 is free of routes on this "
        "machine: simulated nodes need none (SANDBOX_NODES=simulated)"
    )


def connect(network: Network, holder: int, inside: list[str]) -> None:
    """Join the namespace of process `holder` to this machine; `inside` is the prefix that runs commands in it."""
    mine = {route["dst"] for route in _routes() if route.get("dev") == network.device}
    others = [route for route in _routes() if route["dst"] != "default" and route.get("dev") != network.device]
    for route in others:
        if ipaddress.ip_network(route["dst"]).overlaps(ipaddress.ip_network(network.block)):
            raise ClusterError(
                f"the sandbox's network {network.block} is now used by {route.get('dev')} ({route['dst']}): "
                "take the sandbox down (`make down`) and bring it up again"
            )
    if {network.services, network.pods} <= mine:
        return
    disconnect(network.device)
    device = network.device
    # Made in the namespace's name from the start: were it moved there later, a kill in between would leave both ends.
    run(["ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", str(holder)])
    run([*inside, "ip", "-batch", "-"], stdin=_inner(network))
    # Pods are reached, and reach each other, through the node.
    run([*inside, "sh", "-ec", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    # Last: that the routes are there says that all else is.
    run(["ip", "-batch", "-"], stdin=_outer(network))


def disconnect(device: str) -> None:
    """Remove this machine's end, its address and routes with it; one that is not there is no error."""
    if not _exists(device):
        return
    try:
        run(["ip", "link", "delete", device])
    except ClusterError:
        # The kernel removes it by itself, at some moment after the namespace's end.
        if _exists(device):
            raise


def _exists(device: str) -> bool:
    return device in {link["ifname"] for link in _json("link")}


def _inner(network: Network) -> str:
    return (
        "link set lo up\n"
        f"address add {network.node}/24 dev eth0\n"
        "link set eth0 up\n"
        # A way out must exist for addresses of Services to be translated on their way; this machine forwards nothing.
        f"route add default via {network.host}\n"
    )


def _outer(network: Network) -> str:
    return (
        f"address add {network.host}/24 dev {network.device}\n"
        f"link set {network.device} up\n"
        f"route add {network.pods} via {network.node} dev {network.device}\n"
        f"route add {network.services} via {network.node} dev {network.device}\n"
    )


def _routes() -> list[dict[str, Any]]:
    return _json("-4", "route")


def _json(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(["ip", "-json", *words, "show"]) or "[]")
    return found
