"""What is said of room: whether it holds in any order, only with luck, or not at all."""

from __future__ import annotations

import itertools
import random

import pytest

from infra.capacity import Verdict
from infra.capacity.nodes import NodeGroup
from infra.capacity.pods import PodKind
from infra.capacity.verdict import judge


def nodes(count: int, **free: int) -> NodeGroup:
    return NodeGroup(pool="general", zone=None, count=count, whole=free, free=free, labels={})


def pod(**requests: int) -> PodKind:
    return PodKind(requests=tuple(sorted({"pods": 1, **requests}.items())))


FOUR = {"cpu": 4000, "memory": 16, "pods": 110}
SMALL, BIG = pod(cpu=500, memory=1), pod(cpu=2000, memory=4)


@pytest.mark.parametrize(
    ("pods", "verdict"),
    [
        ({BIG: 10}, Verdict.FITS),  # pods of one kind fill nodes whatever their order
        ({BIG: 11}, Verdict.SHORT),
        ({SMALL: 10, BIG: 4}, Verdict.FITS),
        ({SMALL: 10, BIG: 5}, Verdict.TIGHT),  # four of them and a small one each, and five small ones: no node is free
        ({SMALL: 10, BIG: 7}, Verdict.TIGHT),
        ({SMALL: 10, BIG: 8}, Verdict.SHORT),
        ({}, Verdict.FITS),
        ({pod(gpu=1): 1}, Verdict.SHORT),
    ],
)
def test_small_pods_may_be_in_the_way_of_large_ones(pods, verdict):
    assert judge(pods, [nodes(5, **FOUR)]).verdict is verdict


def test_a_node_takes_so_many_pods_however_small():
    assert judge({pod(cpu=1): 6}, [nodes(2, cpu=4000, pods=3)]).verdict is Verdict.FITS
    assert judge({pod(cpu=1): 7}, [nodes(2, cpu=4000, pods=3)]).verdict is Verdict.SHORT


def test_nodes_beyond_the_maximum_are_counted_where_they_are_needed():
    judged = judge({BIG: 13}, [nodes(5, **FOUR)])
    assert (judged.nodes, judged.left) == ({"general": 7}, {BIG: 3})


def test_a_thousand_nodes_cost_no_more_than_ten():
    assert judge({BIG: 1999, SMALL: 1}, [nodes(1000, **FOUR)]).verdict is Verdict.FITS
    judged = judge({BIG: 1999, SMALL: 2}, [nodes(1000, **FOUR)])
    assert (judged.verdict, judged.nodes) == (Verdict.TIGHT, {"general": 1000})


def test_what_fits_is_placed_whatever_the_order_and_the_node():
    """Every order and choice of nodes, of small platforms: the guarantee is never wrong."""
    draw = random.Random(1)
    proven = 0
    for _ in range(60):
        kinds = [pod(cpu=draw.choice([1, 2, 3]), memory=draw.choice([1, 2, 4])) for _ in range(2)]
        pods = {kind: draw.randint(1, 3) for kind in kinds}
        group = nodes(draw.randint(1, 3), cpu=draw.randint(3, 6), memory=draw.randint(4, 8), pods=draw.randint(2, 9))
        if judge(pods, [group]).verdict is Verdict.FITS:
            proven += 1
            assert _always(tuple(kind for kind, count in pods.items() for _ in range(count)), group)
    assert proven > 10


def _always(pods: tuple[PodKind, ...], group: NodeGroup) -> bool:
    """Whether no order, and no choice of a node that has room, leaves a pod over."""
    seen = set()

    def stuck(left: tuple[PodKind, ...], free: tuple[tuple[tuple[str, int], ...], ...]) -> bool:
        state = (tuple(sorted(left, key=repr)), tuple(sorted(free)))
        if state in seen:
            return False
        seen.add(state)
        for index, one in enumerate(left):
            rest = left[:index] + left[index + 1 :]
            after = [
                (*free[:number], _less(node, one), *free[number + 1 :])
                for number, node in enumerate(free)
                if all(dict(node).get(key, 0) >= asked for key, asked in one.requests)
            ]
            if not after or any(stuck(rest, then) for then in after):
                return True
        return False

    return not stuck(pods, (tuple(sorted(group.free.items())),) * group.count)


def _less(node: tuple[tuple[str, int], ...], one: PodKind) -> tuple[tuple[str, int], ...]:
    return tuple((key, have - one.amounts.get(key, 0)) for key, have in node)


def test_fewer_pods_never_fit_worse():
    for big, small in itertools.product(range(1, 9), range(0, 12, 3)):
        more = judge({BIG: big, SMALL: small}, [nodes(5, **FOUR)]).verdict
        assert judge({BIG: big - 1, SMALL: small}, [nodes(5, **FOUR)]).verdict <= more
