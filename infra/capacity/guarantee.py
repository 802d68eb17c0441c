"""Whether every pod finds room whatever the order in which pods come and wherever the scheduler puts the others.

The scheduler places one pod at a time and moves none. A pod stays pending only where every node that would do for it is
blocked: so much stands on each that it no longer fits. Give every kind of pod a weight: to block a node takes at least
some weight, and all other pods together weigh only so much. Where blocking all nodes takes more than that, the pod
cannot be kept out. Any weights prove it; several are tried.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.capacity.room import Room

__all__ = ["guaranteed"]

_Table = tuple[int, int, list[float]]
"""The common measure of all sizes, how many of it a part is, and the least weight that covers 0, 1, ... parts."""

# Into so many parts a node is cut, where its pods have no larger common measure.
_PARTS = 120

# So large are weights, which are whole numbers so that no rounding decides.
_SCALE = 1_000_000


def guaranteed(room: Room) -> bool:
    """Tell whether all pods find room in any order. False proves nothing: see `packing`."""
    scales = [_Scales(room, weights) for weights in _weighings(room)]
    sets = list(dict.fromkeys(map(frozenset, room.may)))
    return all(any(_finds(room, kind, one, sets) for one in scales) for kind in room.order)


def _finds(room: Room, kind: int, scales: _Scales, sets: Sequence[frozenset[int]]) -> bool:
    """Tell whether these weights prove that the last pod of a kind is not kept out of some set of its groups."""
    own = scales.weights[kind]
    for groups in _subsets(frozenset(room.may[kind]), sets):
        needed = sum(room.groups[group].count * scales.blocking(kind, group) for group in groups)
        # Itself, the last of its kind, blocks nothing.
        if needed > scales.all_of(groups) - own:
            return True
    return False


def _subsets(mine: frozenset[int], sets: Sequence[frozenset[int]]) -> Iterator[frozenset[int]]:
    """Go through sets of groups to look at: all that will do, and those that others leave alone or share."""
    seen = set()
    for other in (mine, *sets, *(frozenset([group]) for group in mine)):
        for part in (mine & other, mine - other):
            if part and part not in seen:
                seen.add(part)
                yield part


def _weighings(room: Room) -> Iterator[Sequence[int]]:
    """Go through weights: each resource's own amounts, and sums and maxima of their shares of a node."""
    for index in range(len(room.resources)):
        yield [need[index] for need in room.needs]
    whole = [max((free[index] for free in room.free), default=0) or 1 for index in range(len(room.resources))]
    shares = [[need * _SCALE // size for need, size in zip(needs, whole, strict=True)] for needs in room.needs]
    yield [max(share) for share in shares]
    yield [sum(share) for share in shares]


class _Scales:
    """One weight for each kind of pod, and what follows from it; each part is weighed once."""

    def __init__(self, room: Room, weights: Sequence[int]) -> None:
        self.weights = weights
        self._room = room
        self._sums: dict[frozenset[int], int] = {}
        self._tables: dict[tuple[int, int], _Table] = {}

    def all_of(self, groups: frozenset[int]) -> int:
        """Return the weight of all pods that may stand on any node of these groups."""
        if groups not in self._sums:
            room = self._room
            self._sums[groups] = sum(
                self.weights[kind] * room.counts[kind] for kind in room.order if not groups.isdisjoint(room.may[kind])
            )
        return self._sums[groups]

    def blocking(self, kind: int, group: int) -> float:
        """Return the least weight with which other pods keep such a pod off a node; infinite where they never can."""
        least = math.inf
        for resource, (need, free) in enumerate(zip(self._room.needs[kind], self._room.free[group], strict=True)):
            if need:
                measure, coarse, table = self._table(group, resource)
                # Strictly more than what the pod would leave free.
                least = min(least, table[((free - need) // measure + 1) // coarse])
        return least

    def _table(self, group: int, resource: int) -> _Table:
        """Return the least weights that take so much of a node's resource."""
        if (group, resource) not in self._tables:
            room = self._room
            sizes: dict[int, int] = {}
            for kind in room.order:
                size = room.needs[kind][resource]
                if size and group in room.may[kind]:
                    sizes[size] = min(self.weights[kind], sizes.get(size, self.weights[kind]))
            measure = math.gcd(*sizes)
            parts = room.free[group][resource] // measure + 1
            coarse = -(-parts // _PARTS)
            # Sizes are rounded up to whole parts, never down, so that no more is asked for than it takes.
            items = tuple(sorted((-(-size // (measure * coarse)), weight) for size, weight in sizes.items()))
            self._tables[group, resource] = measure, coarse, _covers(items, parts // coarse)
        return self._tables[group, resource]


@functools.lru_cache(maxsize=4096)
def _covers(items: tuple[tuple[int, int], ...], parts: int) -> list[float]:
    """Return the least weight that covers 0, 1, ... parts, of items of so many parts and such a weight."""
    least: list[float] = [0.0]
    for wanted in range(1, parts + 1):
        least.append(min(weight + least[max(0, wanted - size)] for size, weight in items))
    return least
