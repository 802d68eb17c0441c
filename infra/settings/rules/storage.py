"""Volumes: what a source allows, who can read them, and whether a quota has room for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from infra.settings.errors import KeyPath, Mistake, quote
from infra.settings.peers import parse_peer
from infra.settings.rules.raw import RawSpace, as_amount, given, mapping, spaces, texts
from infra.settings.rules.walls import unknown_team

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["storage"]

_ON_ONE_NODE = ("ReadWriteOnce", "ReadWriteOncePod")


def storage(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find volumes that cannot be made or shared as it is written, and quotas that have no room for them."""
    named: dict[str, str] = {}
    for space in spaces(raw):
        for name, volume in mapping(space.values, "volumes").items():
            path = (*space.path, "volumes", name)
            yield from _source(path, volume)
            yield from _readers(path, volume, space, raw)
            shared = f"{space.stem}-{name}"
            if mapping(volume).get("sharedWith") and named.setdefault(shared, quote(path)) != quote(path):
                message = f"its readers would find it as claim {quote(shared)}, as they do another; choose another name"
                yield Mistake(path=path, message=message)
        yield from _too_small(space, _read_here(space, raw))


def _source(path: KeyPath, volume: object) -> Iterator[Mistake]:
    sources = [key for key in ("nfs", "csi") if given(volume, key)]
    if len(sources) > 1:
        yield Mistake(path=path, message="nfs and csi exclude each other; keep one")
    csi = mapping(volume, "csi")
    if csi.get("driver") and not csi.get("volumeHandle") and not csi.get("attributes"):
        yield Mistake(path=(*path, "csi"), message="needs volumeHandle or attributes, by which the driver finds it")
    if sources and given(volume, "class"):
        message = f"makes a volume, and {sources[0]} names one that is there; keep one"
        yield Mistake(path=(*path, "class"), message=message)
    if sources or not mapping(volume).get("sharedWith"):
        return
    yield Mistake(
        path=(*path, "sharedWith"),
        message="needs nfs or csi: a claim belongs to one namespace, and so does the volume that a class makes for it;"
        " only a volume that several PersistentVolumes can name can be read in another namespace",
    )


def _readers(path: KeyPath, volume: object, space: RawSpace, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    for at, text in texts(volume, "sharedWith"):
        try:
            peer = parse_peer(text)
        except ValueError:
            continue
        unknown = unknown_team(peer, (*path, "sharedWith", at), raw) if peer.kind == "team" else None
        if unknown is not None:
            yield unknown
        elif (peer.name, peer.space) == (space.team, space.further):
            yield Mistake(path=(*path, "sharedWith", at), message="is this namespace itself; leave it out")
    access = mapping(volume).get("access", _ON_ONE_NODE[0])
    if mapping(volume).get("sharedWith") and access in _ON_ONE_NODE:
        yield Mistake(
            path=(*path, "access"),
            message=f"{quote(access)} lets one node mount it, so nobody else could read it; with sharedWith allowed:"
            ' "ReadWriteMany", "ReadOnlyMany"',
        )


def _too_small(space: RawSpace, shared: list[Mapping[str, Any]]) -> Iterator[Mistake]:
    """Find what a quota counts of volumes and has too little of: their sizes, their number, both a storage class.

    `shared` are those of other namespaces that are read here; each has a claim here, of no class, and counts in full.
    """
    own: list[Mapping[str, Any]] = [mapping(one) for one in mapping(space.values, "volumes").values()]
    for key, allowed in mapping(space.values, "quota").items():
        prefix, _, counted = str(key).rpartition(".storageclass.storage.k8s.io/")
        counted = counted or str(key)
        if counted not in ("requests.storage", "persistentvolumeclaims", "count/persistentvolumeclaims"):
            continue
        claims = [one for one in own if one.get("class") == prefix] if prefix else [*own, *shared]
        sizes = [as_amount(one.get("size")) or Decimal(0) for one in claims]
        needed = sum(sizes, Decimal(0)) if counted == "requests.storage" else Decimal(len(claims))
        amount = as_amount(allowed)
        if amount is not None and amount < needed:
            shown = f"{needed / 2**30:.6g}Gi" if counted == "requests.storage" else str(needed)
            read = " and read" if shared and not prefix else ""
            message = f"{quote(allowed)} has no room for the volumes that are declared{read} here, which need {shown}"
            yield Mistake(path=(*space.path, "quota", str(key)), message=message)


def _read_here(space: RawSpace, raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the volumes of other namespaces that are shared with this one."""
    found: list[Mapping[str, Any]] = []
    for other in spaces(raw):
        if other.path == space.path:
            continue
        for volume in mapping(other.values, "volumes").values():
            readers = {text for _, text in texts(volume, "sharedWith")}
            named = f"team:{space.team}" if space.further is None else f"team:{space.team}/{space.further}"
            if readers & {f"team:{space.team}", named}:
                found.append(mapping(volume))
    return found
