"""From what each namespace says of its callers and destinations to the openings in everybody's walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.labels import SERVED_PORT
from components.network_policies import METRICS_PORT, Endpoint, Opening, Walls
from infra.settings.peers import Peer, parse_peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings
    from infra.settings.team import Space

__all__ = ["aliases", "walls"]


@dataclass(frozen=True, kw_only=True)
class _Named:
    """One namespace with its name in the cluster."""

    team: str
    further: str | None
    name: str
    space: Space

    def is_meant(self, peer: Peer) -> bool:
        """Whether a peer names this namespace: by its team, by itself, or as any namespace of the cluster."""
        if peer.kind == "namespace":
            return peer.name == self.name
        return peer.kind == "team" and peer.name == self.team and peer.space in (None, self.further)


def walls(settings: Settings) -> dict[str, Walls]:
    """Give the walls of every namespace by its name.

    What is reached says who may come, and that opens both ends: a way into its own namespace and, for callers that
    this stack knows, a way out of theirs.
    """
    spaces = list(_spaces(settings))
    return {
        one.name: Walls(
            inward=_inward(spaces, one, one.space.network.from_),
            outward=tuple(_outward(settings, spaces, one)),
            metrics=_inward(spaces, one, one.space.network.metrics),
            serving=None if one.space.network.serving is None else _inward(spaces, one, one.space.network.serving),
            endpoints=dict(_endpoints(settings, spaces, one)),
        )
        for one in spaces
    }


def aliases(settings: Settings, space: Space) -> dict[str, str]:
    """Give the shared services that a namespace uses: the name by which it finds each, and the host that it is."""
    hosts: dict[str, str] = {}
    for name in _used(space):
        service = settings.services[name]
        if service.host is not None:
            hosts[name] = service.host
        elif service.team is not None:
            namespace = settings.namespace(service.team, service.namespace)
            hosts[name] = f"{service.service or name}.{namespace}.svc.{service.domain}"
    return hosts


def _spaces(settings: Settings) -> Iterator[_Named]:
    for team in settings.teams:
        for further, space in settings.spaces(team).items():
            yield _Named(team=team, further=further, name=settings.namespace(team, further), space=space)


def _used(space: Space) -> list[str]:
    return [peer.name for peer in map(parse_peer, space.network.to) if peer.kind == "service"]


def _inward(spaces: list[_Named], here: _Named, callers: tuple[str, ...]) -> tuple[Opening, ...]:
    return tuple(opening for text in callers if (opening := _opening(spaces, parse_peer(text), here)) is not None)


def _opening(spaces: list[_Named], peer: Peer, here: _Named) -> Opening | None:
    """Write a peer as an opening; None where nothing but this namespace itself is meant."""
    if peer.kind == "cidr":
        return Opening(cidrs=[peer.name], ports=peer.ports)
    if peer.kind == "namespace":
        return Opening(namespaces=[peer.name], ports=peer.ports)
    meant = [one.name for one in spaces if one.is_meant(peer) and one.name != here.name]
    return Opening(namespaces=meant, ports=peer.ports) if meant else None


def _outward(settings: Settings, spaces: list[_Named], here: _Named) -> Iterator[Opening]:
    for peer in map(parse_peer, here.space.network.to):
        if peer.kind != "service":
            opening = _opening(spaces, peer, here)
            if opening is not None:
                yield opening
            continue
        service = settings.services[peer.name]
        if service.team is None:
            yield Opening(cidrs=service.cidrs, ports=[service.port])
        else:
            there = settings.namespace(service.team, service.namespace)
            yield Opening(namespaces=[there], pods=service.pods, ports=[service.port])
    # The other ends of what others let in.
    for other in spaces:
        if other.name == here.name:
            continue
        network = other.space.network
        for callers, port in ((network.from_, None), (network.metrics, METRICS_PORT), (network.serving, SERVED_PORT)):
            for peer in map(parse_peer, callers or ()):
                if here.is_meant(peer):
                    yield Opening(namespaces=[other.name], ports=peer.ports or (() if port is None else (port,)))


def _endpoints(settings: Settings, spaces: list[_Named], here: _Named) -> Iterator[tuple[str, Endpoint]]:
    """Go through the shared services that run here and are used somewhere else."""
    for name, service in settings.services.items():
        if (service.team, service.namespace) != (here.team, here.further):
            continue
        users = [one.name for one in spaces if name in _used(one.space)]
        if users:
            yield name, Endpoint(pods=service.pods, callers=Opening(namespaces=users, ports=[service.port]))
