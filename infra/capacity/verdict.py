"""Whether pods fit on nodes, in the three answers that there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from infra.capacity.guarantee import guaranteed
from infra.capacity.packing import Packing, best, first_fit
from infra.capacity.room import Room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.capacity.nodes import NodeGroup
    from infra.capacity.pods import PodKind

__all__ = ["Judged", "Verdict", "judge"]


class Verdict(IntEnum):
    """From good to bad, so that the worst of several is the largest."""

    FITS = 0
    """Every pod finds room, in whatever order pods come and wherever the scheduler puts the others."""

    TIGHT = 1
    """There is room for all, if they are placed well; the scheduler moves no pod once it is placed, and may not be
    lucky."""

    SHORT = 2
    """No way was found to place all."""

    @property
    def words(self) -> str:
        """As a table says it."""
        return ("fits", "tight", "does not fit")[self]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The answer, and what it rests on."""

    verdict: Verdict
    nodes: Mapping[str, int]
    """Nodes with a pod, by pool; as many as would do, also beyond a pool's maximum."""
    left: Mapping[PodKind, int] = field(default_factory=dict)
    """Pods without room."""


def judge(pods: Mapping[PodKind, int], groups: Sequence[NodeGroup]) -> Judged:
    """Judge whether these pods fit on these nodes."""
    room = Room(pods, groups)
    packing = first_fit(room)
    # Where one way leaves a pod over, there is no guarantee for every way.
    if packing.complete and guaranteed(room):
        return Judged(verdict=Verdict.FITS, nodes=_nodes(room, packing))
    packing = packing if packing.complete else best(room)
    if packing.complete:
        return Judged(verdict=Verdict.TIGHT, nodes=_nodes(room, packing))
    left = {room.kinds[kind]: count for kind, count in enumerate(packing.left) if count}
    nodes = Counter(_nodes(room, packing)) + Counter(_further(left, groups))
    return Judged(verdict=Verdict.SHORT, nodes=nodes, left=left)


def _further(left: Mapping[PodKind, int], groups: Sequence[NodeGroup]) -> dict[str, int]:
    """Return how many nodes more, by pool, would hold what found no room."""
    count = sum(left.values())
    room = Room(left, [replace(group, count=count) for group in groups])
    return _nodes(room, first_fit(room))


def _nodes(room: Room, packing: Packing) -> dict[str, int]:
    nodes: Counter[str] = Counter()
    for group, used in zip(room.groups, packing.used, strict=True):
        nodes[group.pool] += used
    return dict(nodes)
