"""When the cluster's own objects count as ready."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.cluster.api import Api

__all__ = ["has_condition", "node_is_ready"]


def has_condition(obj: dict[str, Any] | None, kind: str) -> bool:
    """Whether an object's status has a condition of this type that is true."""
    conditions = ((obj or {}).get("status") or {}).get("conditions") or []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)


def node_is_ready(api: Api, name: str, *, since: float = 0.0) -> bool:
    """Whether a node is ready and no longer marked as not ready, so that pods may be scheduled to it.

    What it said before `since` (seconds of the epoch) does not count: after a restart the API server still holds what
    the former kubelet reported.
    """
    node = api.get(f"/api/v1/nodes/{name}")
    conditions = ((node or {}).get("status") or {}).get("conditions") or []
    heartbeats = [dt.datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp() for condition in conditions]
    # Times in the API are whole seconds, rounded down.
    if max(heartbeats, default=0.0) < int(since):
        return False
    taints = [taint["key"] for taint in ((node or {}).get("spec") or {}).get("taints") or []]
    return has_condition(node, "Ready") and "node.kubernetes.io/not-ready" not in taints
