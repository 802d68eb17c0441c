"""Where a model's pods run."""

from __future__ import annotations

from typing import Literal

from infra.settings.values import Name, Section

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
