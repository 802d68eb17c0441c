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

# Into so many parts a node is cut, where its pods have no larger common measure.
_PARTS = 120

# So large are weights, which are whole numbers so that no rounding decides.
_SCALE = 1_000_000


def guaranteed(room: Room) -> bool:
    """Tell whether all pods find room in any order. False proves nothing: see `packing`."""
    weighings = list(_weighings(room))
    return all(any(_finds(room, kind, weights) for weights in weighings) for kind in room.order)


def _finds(room: Room, kind: int, weights: Sequence[int]) -> bool:
    """Tell whether these weights prove that the last pod of a kind is not kept out of some set of its groups."""
    for groups in _subsets(room, kind):
        needed = sum(room.groups[group].count * _blocking(room, kind, group, weights) for group in groups)
        others = sum(
            weights[other] * (room.counts[other] - (other == kind))
            for other in room.order
            if not groups.isdisjoint(room.may[other])
        )
        if needed > others:
            return True
    return False


def _subsets(room: Room, kind: int) -> Iterator[frozenset[int]]:
    """Go through sets of groups to look at: all that will do, and those that others leave alone or share."""
    mine = frozenset(room.may[kind])
    seen = set()
    for other in (mine, *map(frozenset, room.may)):
        for part in (mine & other, mine - other):
            if part and part not in seen:
                seen.add(part)
                yield part
    for group in mine:
        if (alone := frozenset([group])) not in seen:
            yield alone


def _weighings(room: Room) -> Iterator[Sequence[int]]:
    """Go through weights: each resource's own amounts, and sums and maxima of their shares of a node."""
    for index in range(len(room.resources)):
        yield [need[index] for need in room.needs]
    whole = [max((free[index] for free in room.free), default=0) or 1 for index in range(len(room.resources))]
    shares = [[need * _SCALE // size for need, size in zip(needs, whole, strict=True)] for needs in room.needs]
    yield [max(share) for share in shares]
    yield [sum(share) for share in shares]


def _blocking(room: Room, kind: int, group: int, weights: Sequence[int]) -> float:
    """Return the least weight with which other pods keep such a pod off a node; infinite where they never can."""
    least = math.inf
    for resource, (need, free) in enumerate(zip(room.needs[kind], room.free[group], strict=True)):
        if not need:
            continue
        sizes: dict[int, int] = {}
        for other in room.order:
            size = room.needs[other][resource]
            if size and group in room.may[other]:
                sizes[size] = min(weights[other], sizes.get(size, weights[other]))
        measure = math.gcd(*sizes)
        # Strictly more than what the pod would leave free; sizes are rounded up to whole parts, never down.
        target = (free - need) // measure + 1
        parts = free // measure + 1
        if parts > _PARTS:
            coarse = -(-parts // _PARTS)
            measure, target, parts = measure * coarse, target // coarse, parts // coarse + 1
        items = tuple(sorted((-(-size // measure), weight) for size, weight in sizes.items()))
        least = min(least, _covers(items, parts)[target])
    return least


@functools.lru_cache(maxsize=4096)
def _covers(items: tuple[tuple[int, int], ...], parts: int) -> list[float]:
    """Return the least weight that covers 0, 1, ... parts, of items of so many parts and such a weight."""
    least: list[float] = [0.0]
    for wanted in range(1, parts + 1):
        least.append(min(weight + least[max(0, wanted - size)] for size, weight in items))
    return least
