"""Pods to place and nodes to place them on, as vectors of whole numbers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from infra.capacity.lacks import fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.capacity.nodes import NodeGroup
    from infra.capacity.pods import PodKind

__all__ = ["Room", "Vector"]

Vector = tuple[int, ...]
"""An amount of each of `Room.resources`."""


class Room:
    """One question: these pods, those nodes. Kinds and groups go by their index."""

    def __init__(self, pods: Mapping[PodKind, int], groups: Sequence[NodeGroup]) -> None:
        self.kinds = [kind for kind, count in pods.items() if count]
        self.counts = [pods[kind] for kind in self.kinds]
        self.groups = groups
        # What no pod asks for keeps no pod away.
        self.resources = sorted({resource for kind in self.kinds for resource, _ in kind.requests})
        self.needs = [self._vector(kind.amounts) for kind in self.kinds]
        self.free = [self._vector(group.free) for group in groups]
        self.may = [[index for index, group in enumerate(groups) if fits(kind, group)] for kind in self.kinds]

    @cached_property
    def shares(self) -> list[float]:
        """How large each kind is: the share of its scarcest resource on the largest node that it may use."""
        return [min((self.share(kind, group) for group in self.may[kind]), default=0.0) for kind in self.order]

    @property
    def order(self) -> range:
        """All kinds, as they came."""
        return range(len(self.kinds))

    def share(self, kind: int, group: int) -> float:
        """Return the part of an empty node that one pod takes of its scarcest resource."""
        pairs = zip(self.needs[kind], self.free[group], strict=True)
        return max(need / have for need, have in pairs if need)

    def _vector(self, amounts: Mapping[str, int]) -> Vector:
        return tuple(amounts.get(resource, 0) for resource in self.resources)
