"""Why a pod cannot stand on an empty node: the scheduler's filters, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from infra.capacity.amounts import PODS, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.capacity.nodes import NodeGroup
    from infra.capacity.pods import PodKind

__all__ = ["Lack", "fits", "lacks", "nearest"]

# A taint that is only a wish keeps nobody away.
_WISH = "PreferNoSchedule"


@dataclass(frozen=True, kw_only=True)
class Lack:
    """One thing that keeps a pod off a node."""

    kind: Literal["taint", "selector", "resource"]
    key: str
    """The taint's, the label's or the resource's name."""
    text: str
    ratio: float
    """How far off it is: 1 for what is there or not, below it for a resource of which there is some."""


def fits(pod: PodKind, group: NodeGroup) -> bool:
    """Tell whether such a pod finds room on an empty node of this group."""
    return next(iter(lacks(pod, group)), None) is None


def lacks(pod: PodKind, group: NodeGroup) -> list[Lack]:
    """Say all that keeps such a pod off an empty node of this group."""
    found = [
        Lack(kind="taint", key=taint["key"], text=f"taint {_taint(taint)} is not tolerated", ratio=1)
        for taint in group.taints
        if taint["effect"] != _WISH and not pod.tolerates(taint)
    ]
    for key, value in pod.selector:
        if group.labels.get(key) != value:
            has = f"it is {group.labels[key]}" if key in group.labels else "it has no such label"
            found.append(Lack(kind="selector", key=key, text=f"label {key} is to be {value}, {has}", ratio=1))
    for resource, number in pod.requests:
        free, whole = group.free.get(resource, 0), group.whole.get(resource, 0)
        if number > free:
            found.append(_short(resource, number, free, whole))
    return found


def nearest(pod: PodKind, groups: Iterable[NodeGroup]) -> tuple[NodeGroup, list[Lack]]:
    """Return the group that lacks least, and what: the fewest things, then the smallest ones.

    Raises ValueError without any group.
    """
    judged = [(group, lacks(pod, group)) for group in groups]
    return min(judged, key=lambda pair: (len(pair[1]), sum(lack.ratio for lack in pair[1])))


def _short(resource: str, number: int, free: int, whole: int) -> Lack:
    name = "room for pods" if resource == PODS else resource
    taken = "" if free == whole else f" ({shown(resource, whole)} less what stands on every node)"
    text = f"{name} {shown(resource, number)}, a node has {shown(resource, free)}{taken}"
    return Lack(kind="resource", key=resource, text=text, ratio=1 - free / number)


def _taint(values: Mapping[str, str]) -> str:
    return f"{values['key']}{'=' if values['value'] else ''}{values['value']}:{values['effect']}"
