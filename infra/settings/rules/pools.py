"""What pools of nodes cannot be, and models that ask for a pool that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.rules.raw import as_amount, as_text, as_whole, below, mapping

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["node_pools", "placed"]

_POOL = "ml-platform/node-pool"
_ZONE = "topology.kubernetes.io/zone"

# Labels that the pool's own keys, or the kubelet, give every node.
_GIVEN = {
    _POOL: "the pool's name",
    _ZONE: "zones",
    "node.kubernetes.io/instance-type": "instance",
    "kubernetes.io/arch": "architecture",
    "kubernetes.io/os": "the kubelet",
    "kubernetes.io/hostname": "the kubelet",
}


def node_pools(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find pools that contradict themselves."""
    for name, pool in mapping(raw, "cluster", "nodePools").items():
        if not isinstance(pool, Mapping):
            continue
        path: KeyPath = ("cluster", "nodePools", str(name))
        least, most = as_whole(pool.get("min")), as_whole(pool.get("max"))
        if least is not None and most is not None and least > most >= 1:
            yield Mistake(path=(*path, "min"), message=f"min is {least} and above max, {most}; allowed: min up to max")
        yield from _nothing_left(pool, path)
        for label in mapping(pool, "labels"):
            if label in _GIVEN:
                yield Mistake(path=(*path, "labels", label), message=f"is given by {_GIVEN[label]}; leave it out")
        yield from _twice(pool.get("zones"), (*path, "zones"))


def _nothing_left(pool: Mapping[str, Any], path: KeyPath) -> Iterator[Mistake]:
    for resource in ("cpu", "memory", "pods"):
        taken, whole = below(pool, "overhead", resource), below(pool, "allocatable", resource)
        less, all_of_it = as_amount(taken), as_amount(110 if whole is None and resource == "pods" else whole)
        if less is not None and all_of_it is not None and less >= all_of_it:
            yield Mistake(
                path=(*path, "overhead", resource),
                message=f"{quote(taken)} leaves nothing of allocatable.{resource}, {quote(whole)}, to any model",
            )


def _twice(values: object, path: KeyPath) -> Iterator[Mistake]:
    seen: set[object] = set()
    for index, value in enumerate(values if isinstance(values, list | tuple) else ()):
        if isinstance(value, str) and value in seen:
            yield Mistake(path=(*path, index), message=f"{quote(value)} stands twice; keep one")
        seen.add(value if isinstance(value, str) else index)


def placed(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find a model for which no pool could be meant; without declared pools any name may be somebody else's."""
    pools = [str(name) for name in mapping(raw, "cluster", "nodePools")]
    wanted = as_text(below(model.values, "placement", "nodePool"))
    if pools and wanted is not None and wanted not in pools:
        yield Mistake(
            path=(*model.path, "placement", "nodePool"),
            message=f"unknown pool {quote(wanted)}; known: {quoted_list(pools)}{did_you_mean(wanted, pools)}",
        )
    if _POOL in mapping(model.values, "placement", "nodeSelector"):
        yield Mistake(
            path=(*model.path, "placement", "nodeSelector", _POOL), message="is what nodePool says; name the pool there"
        )
