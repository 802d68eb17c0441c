"""Nodes as the pools declare them, in groups of equals: those of one pool in one zone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from components.labels import NODE_POOL
from components.node_pool import Taint
from infra.capacity.amounts import PODS, Amounts, amount, less

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import NodePool

__all__ = ["NodeGroup", "node_groups"]

_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """Equal nodes of one pool, at the pool's maximum."""

    pool: str
    zone: str | None
    count: int
    whole: Amounts
    """What a node offers to pods."""
    free: Amounts
    """What of it daemon sets leave."""
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...] = ()
    price: float | None = None
    least: int = field(default=0)
    """How many there are at the least."""


def node_groups(pools: Mapping[str, NodePool]) -> list[NodeGroup]:
    """Return the groups of all pools; a zone that gets no node of a small pool is left out."""
    return [group for name, pool in pools.items() for group in _groups(name, pool)]


def _groups(name: str, pool: NodePool) -> list[NodeGroup]:
    offered, taken = pool.allocatable, pool.overhead
    whole = {
        "cpu": amount("cpu", offered.cpu),
        "memory": amount("memory", offered.memory),
        PODS: offered.pods,
        **pool.accelerators,
    }
    overhead = {
        "cpu": amount("cpu", taken.cpu or "0"),
        "memory": amount("memory", taken.memory or "0"),
        PODS: taken.pods,
    }
    labels = {
        **pool.labels,
        NODE_POOL: name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": pool.architecture,
        **({} if pool.instance is None else {"node.kubernetes.io/instance-type": pool.instance}),
    }
    least = pool.zone_counts(pool.min)
    return [
        NodeGroup(
            pool=name,
            zone=zone,
            count=count,
            whole=whole,
            free=less(whole, overhead),
            labels=labels if zone is None else {**labels, _ZONE: zone},
            taints=tuple(asdict(Taint.parse(text)) for text in pool.taints),
            price=pool.price,
            least=least[zone],
        )
        for zone, count in pool.zone_counts(pool.max).items()
        if count
    ]
