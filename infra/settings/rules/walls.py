"""Who may reach whom: peers and shared services that must be there, and be somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.peers import Peer, parse_peer
from infra.settings.rules.raw import RawSpace, as_text, given, mapping, models, spaces, texts
from infra.settings.strategy import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["unknown_team", "walls"]


def walls(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find peers that are not there, and services that cannot be found by their names."""
    for space in spaces(raw):
        for key in ("from", "metrics", "serving"):
            for at, text in texts(space.values, "network", key):
                peer, path = _read(text), (*space.path, "network", key, at)
                if peer is not None and peer.kind == "team":
                    yield from _caller(peer, path, space, raw)
        for at, text in texts(space.values, "network", "to"):
            peer, path = _read(text), (*space.path, "network", "to", at)
            if peer is not None and peer.kind == "service":
                yield from _destination(peer.name, path, space, raw)
    for name, service in mapping(raw, "services").items():
        yield from _service(str(name), service, raw)


def unknown_team(peer: Peer, path: KeyPath, raw: Mapping[str, Any]) -> Mistake | None:
    """Return what is wrong with a team or its namespace that is named here; None where it is there."""
    known = [str(team) for team in mapping(raw, "teams")]
    if peer.name not in known:
        hint = did_you_mean(peer.name, known)
        return Mistake(path=path, message=f"unknown team {quote(peer.name)}; known: {quoted_list(known)}{hint}")
    further = [str(name) for name in mapping(raw, "teams", peer.name, "namespaces")]
    if peer.space is not None and peer.space not in further:
        hint = did_you_mean(peer.space, further)
        return Mistake(
            path=path,
            message=f"team {quote(peer.name)} has no further namespace {quote(peer.space)}; it has:"
            f" {quoted_list(further)}{hint}",
        )
    return None


def _read(text: str) -> Peer | None:
    try:
        return parse_peer(text)
    except ValueError:
        return None


def _caller(peer: Peer, path: KeyPath, space: RawSpace, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    if (unknown := unknown_team(peer, path, raw)) is not None:
        yield unknown
    elif peer.name == space.team and (
        peer.space == space.further or not mapping(raw, "teams", peer.name, "namespaces")
    ):
        yield Mistake(path=path, message="is this namespace itself, whose pods reach each other anyway; leave it out")


def _destination(name: str, path: KeyPath, space: RawSpace, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    known = [str(service) for service in mapping(raw, "services")]
    if name not in known:
        yield Mistake(
            path=path,
            message=f"unknown service {quote(name)}; known: {quoted_list(known)}{did_you_mean(name, known)}; shared"
            " services stand in ml-platform:services",
        )
        return
    service = mapping(raw, "services", name)
    if service.get("team") == space.team and service.get("namespace") == space.further:
        yield Mistake(path=path, message="runs in this very namespace, where it is reached anyway; leave it out")
    elif space.further is None and name in _taken(space.team, raw):
        yield Mistake(
            path=path,
            message=f"would be found as Service {quote(name)}, which is a model's of this team; give the shared service"
            " another name",
        )


def _taken(team: str, raw: Mapping[str, Any]) -> set[str]:
    """Return the Services that a team's models have."""
    own = [model for model in models(raw) if model.team == team]
    slots = {f"{model.name}-{slot}" for model in own if model.strategy == "blue-green" for slot in SLOTS}
    return slots | {model.name for model in own}


def _service(name: str, service: object, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    path = ("services", name)
    inside, outside = given(service, "team"), given(service, "host")
    if inside == outside:
        problem = "team and host exclude each other; keep one" if inside else "needs team (in this cluster) or host"
        yield Mistake(path=path, message=problem)
        return
    if inside:
        if not mapping(service, "pods"):
            yield Mistake(path=(*path, "pods"), message="is missing; network policies know pods, not Services")
        team, further = as_text(mapping(service).get("team")), as_text(mapping(service).get("namespace"))
        if team is not None:
            unknown = unknown_team(Peer(kind="team", name=team, space=further), (*path, "team"), raw)
            if unknown is not None:
                yield unknown
    elif not mapping(service).get("cidrs"):
        yield Mistake(path=(*path, "cidrs"), message="is missing; network policies know networks, not names")
    for key in ("cidrs",) if inside else ("namespace", "service", "pods"):
        if mapping(service).get(key):
            yield Mistake(path=(*path, key), message=f"goes with {'host' if inside else 'team'}; remove it")
