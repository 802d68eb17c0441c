"""What stands in the cluster as a team's and is declared no longer: what an `up` that removes it would destroy.

What this needs of RBAC: list namespaces and persistentvolumeclaims in the whole cluster; and in a namespace that is
declared no longer to list what is counted there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.labels import ENVIRONMENT, MANAGED_BY, SHARED_FROM, TEAM
from infra.observed.state import ClaimSeen, Lost

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from infra.observed.api import ApiServer

__all__ = ["read_lost"]

# What people would miss, in the order in which it is told.
_COUNTED = {
    "pods": "/api/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "services": "/api/v1",
    "secrets": "/api/v1",
}


def read_lost(
    api: ApiServer, environment: str, *, namespaces: Collection[str], claims: Collection[tuple[str, str]]
) -> tuple[Lost, ...]:
    """Read which namespaces and claims of this environment are live and not among the declared ones.

    `claims` are namespace and name; of a namespace that is declared, only claims that this program made count, since
    others are nobody's to remove, and none that only reads another namespace's volume. Raises ApiError and
    UnreachableError.
    """
    ours = {"labelSelector": f"{ENVIRONMENT}={environment},{MANAGED_BY}=pulumi"}
    live = api.list("/api/v1/namespaces", **ours)
    made = api.list("/api/v1/persistentvolumeclaims", labelSelector=f"{ours['labelSelector']},!{SHARED_FROM}")
    gone = {one["metadata"]["name"]: one for one in live if one["metadata"]["name"] not in namespaces}
    lost = [_lost_namespace(api, namespace) for namespace in gone.values() if not _ending(namespace)]
    for claim in made:
        where = (claim["metadata"]["namespace"], claim["metadata"]["name"])
        if where not in claims and where[0] not in gone and not _ending(claim):
            lost.append(Lost(namespace=where[0], team=_team(claim), claims=(_claim(claim),), whole=False))
    return tuple(sorted(lost, key=lambda one: (one.namespace, one.claims[0].name if one.claims else "")))


def _lost_namespace(api: ApiServer, namespace: Mapping[str, Any]) -> Lost:
    name = namespace["metadata"]["name"]
    counts = {kind: len(api.list(f"{root}/namespaces/{name}/{kind}")) for kind, root in _COUNTED.items()}
    claims = api.list(f"/api/v1/namespaces/{name}/persistentvolumeclaims", labelSelector=f"!{SHARED_FROM}")
    return Lost(
        namespace=name,
        team=_team(namespace),
        claims=tuple(sorted(map(_claim, claims), key=lambda claim: claim.name)),
        counts={kind: count for kind, count in counts.items() if count},
    )


def _claim(claim: Mapping[str, Any]) -> ClaimSeen:
    """Give a claim's size as it was made; what it was asked to be while it waits for a volume."""
    capacity = (claim.get("status") or {}).get("capacity") or {}
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return ClaimSeen(name=claim["metadata"]["name"], size=capacity.get("storage") or requests.get("storage") or "")


def _team(thing: Mapping[str, Any]) -> str:
    return str((thing["metadata"].get("labels") or {}).get(TEAM, ""))


def _ending(thing: Mapping[str, Any]) -> bool:
    return bool(thing["metadata"].get("deletionTimestamp"))
