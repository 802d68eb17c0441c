"""Where a model's pods run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.node_pool import LabelKey, LabelValue, TaintText
from infra.settings.values import FrozenMap, Name, Section, empty

__all__ = ["Placement"]


class Placement(Section):
    """Where a model's pods run."""

    spread: Literal["zone", "node", "none"] = "zone"
    """Over what the pods of a slot are spread, as a wish: `zone` over zones and nodes, `node` over nodes only. Over
    zones, since a zone that fails then takes a part of them only; where a cluster has no zones it means nothing more
    than `node`.

    Upstream: pod `topologySpreadConstraints` with `whenUnsatisfiable: ScheduleAnyway`.
    Example: `spread: node`
    """

    node_pool: Name | None = None
    """The pool of nodes, by their label `ml-platform/node-pool`; a taint of the same key is tolerated. None by
    default: any node that has room.

    Upstream: pod `nodeSelector` and `tolerations`.
    Example: `nodePool: gpu-l4`
    """

    node_selector: FrozenMap[LabelKey, LabelValue] = Field(default_factory=empty)
    """Labels that a node must have, such as a zone's. None by default: any node of the pool will do.

    Upstream: pod `nodeSelector`.
    Example: `nodeSelector: {topology.kubernetes.io/zone: eu-central-1a}`
    """

    tolerations: Annotated[tuple[TaintText, ...], Field(strict=False)] = ()
    """Taints that do not keep the pods away, written as the pool has them. None by default but those of the GPU and of
    the pool's own name.

    Upstream: pod `tolerations`.
    Example: `tolerations: ["example.com/batch=true:NoSchedule"]`
    """
