"""Whether pods can be placed at all: several ways to pack them, of which one that works is enough.

Whole groups of equal nodes are filled at once, so that a thousand nodes cost as little as ten.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.capacity.room import Room, Vector

__all__ = ["Packing", "best", "first_fit"]

# Up to here pods are also placed one by one, as the scheduler does; it costs pods times nodes.
_ONE_BY_ONE = 60_000

# Orders in which they are: by size, as they come, and so many shuffled ones.
_SHUFFLES = 3


@dataclass
class Packing:
    """What became of it."""

    left: list[int]
    """How many pods of each kind found no room."""
    used: list[int]
    """How many nodes of each group have a pod."""

    @property
    def complete(self) -> bool:
        """Whether every pod has its place."""
        return not any(self.left)


@dataclass
class _Alike:
    """So many nodes of a group with as much left on each."""

    group: int
    count: int
    free: Vector
    touched: bool = field(default=False)


def best(room: Room) -> Packing:
    """Return the first way of packing that places everything, else the one that leaves the fewest pods."""
    least: Packing | None = None
    for packing in _ways(room):
        if packing.complete:
            return packing
        if least is None or sum(packing.left) < sum(least.left):
            least = packing
    return least or Packing([], [0] * len(room.groups))


def first_fit(room: Room, key: Callable[[int], tuple[float, ...]] | None = None) -> Packing:
    """Fill node after node with the kinds in the order of `key`, by default the most restricted and largest first."""
    nodes = [_Alike(index, group.count, room.free[index]) for index, group in enumerate(room.groups)]
    liked = _liked(room)
    left = list(room.counts)
    for kind in sorted(room.order, key=key or _restricted(room)):
        may = set(room.may[kind])
        alike = [one for one in nodes if one.group in may]
        # Where something stands already, and there where the least would be left.
        alike.sort(key=lambda one: (not one.touched, liked[one.group], sum(one.free)))
        for one in alike:
            if left[kind]:
                left[kind] -= _fill(one, room.needs[kind], left[kind], nodes)
    return Packing(left, _used(room, nodes))


def _ways(room: Room) -> Iterator[Packing]:
    restricted = _restricted(room)
    yield first_fit(room)
    yield first_fit(room, lambda kind: (-room.shares[kind], restricted(kind)[0]))
    for resource in range(len(room.resources)):
        yield first_fit(room, lambda kind, by=resource: (restricted(kind)[0], -room.needs[kind][by]))  # type: ignore[misc]
    if sum(room.counts) * sum(group.count for group in room.groups) > _ONE_BY_ONE:
        return
    pods = [kind for kind in sorted(room.order, key=restricted) for _ in range(room.counts[kind])]
    for tight in (False, True):
        yield _one_by_one(room, pods, tight=tight)
    # Seeded: the same platform is judged alike in every run.
    shuffler = random.Random(0)  # noqa: S311  no secret
    for tight in (False, True) * _SHUFFLES:
        shuffler.shuffle(pods)
        yield _one_by_one(room, pods, tight=tight)


def _restricted(room: Room) -> Callable[[int], tuple[float, ...]]:
    """Order by how many nodes would do, then by size."""
    nodes = [sum(room.groups[group].count for group in room.may[kind]) for kind in room.order]
    return lambda kind: (nodes[kind], -room.shares[kind])


def _liked(room: Room) -> list[tuple[float, ...]]:
    """Order groups: those that the fewest others need first, the cheapest of them, as they stand."""
    asked = [sum(index in may for may in room.may) for index in range(len(room.groups))]
    devices = [sum(bool(free) for free in room.free[index]) for index in range(len(room.groups))]
    # What has a device that others need is opened last.
    return [
        (devices[index], asked[index], group.price if group.price is not None else 0.0, index)
        for index, group in enumerate(room.groups)
    ]


def _fill(one: _Alike, need: Vector, wanted: int, nodes: list[_Alike]) -> int:
    """Place as many pods as go, node by node; return how many. What differs afterwards becomes a group of its own."""
    each = min(have // asked for have, asked in zip(one.free, need, strict=True) if asked)
    if not each:
        return 0
    full, rest = divmod(wanted, each)
    if full >= one.count:
        full, rest = one.count, 0
    left = one.count - full - bool(rest)
    free = one.free
    if left:
        nodes.append(_Alike(one.group, left, free, one.touched))
    if full and rest:
        nodes.append(_Alike(one.group, 1, _after(free, need, rest), touched=True))
    one.count, one.free, one.touched = (full or 1), _after(free, need, each if full else rest), True
    return full * each + rest


def _after(free: Vector, need: Vector, pods: int) -> Vector:
    return tuple(have - pods * asked for have, asked in zip(free, need, strict=True))


def _used(room: Room, nodes: Sequence[_Alike]) -> list[int]:
    used = [0] * len(room.groups)
    for one in nodes:
        used[one.group] += one.count if one.touched else 0
    return used


def _one_by_one(room: Room, pods: Sequence[int], *, tight: bool) -> Packing:
    """Place pod by pod: on the emptiest node that will do, as the scheduler likes it, or on the fullest (`tight`)."""
    free = [[list(room.free[index]) for _ in range(group.count)] for index, group in enumerate(room.groups)]
    left, touched = [0] * len(room.kinds), set()
    for kind in pods:
        need = room.needs[kind]
        scored = [
            (score, group, node)
            for group in room.may[kind]
            for node, have in enumerate(free[group])
            if (score := _score(have, need, room.free[group])) is not None
        ]
        if not scored:
            left[kind] += 1
            continue
        _, group, node = max(scored) if not tight else min(scored)
        touched.add((group, node))
        free[group][node] = [have - asked for have, asked in zip(free[group][node], need, strict=True)]
    return Packing(left, [sum(group == index for group, _ in touched) for index in range(len(room.groups))])


def _score(have: Sequence[int], need: Vector, whole: Vector) -> float | None:
    """Return how empty a node would be after; None where the pod finds no room."""
    if any(asked > there for there, asked in zip(have, need, strict=True)):
        return None
    return sum((there - asked) / size for there, asked, size in zip(have, need, whole, strict=True) if size)
