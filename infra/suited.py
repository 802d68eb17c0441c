"""Whether the cluster that answers is the one that the settings speak of, before anything on it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.observed import ApiError, UnreachableError, read_served
from infra.routes import weighed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.observed import Served
    from infra.reach import Reach
    from infra.settings import Settings

__all__ = ["refuse_unsuited", "unsuited"]

# Every cluster of a version that is still maintained has these; one that lacks them is no Kubernetes of these years.
_ALWAYS = {
    "apps/v1": "Deployments",
    "autoscaling/v2": "autoscalers",
    "networking.k8s.io/v1": "NetworkPolicies and Ingresses",
    "policy/v1": "PodDisruptionBudgets",
    "rbac.authorization.k8s.io/v1": "Roles",
}


_MARKS_PODS = "1.36"
"""The first version whose API server changes what it takes in by a MutatingAdmissionPolicy of v1."""


def refuse_unsuited(settings: Settings, reached: Reach) -> None:
    """Raise pulumi.RunError where the cluster lacks what the settings need, with all that it lacks.

    One that cannot be reached is the guard's to speak of, and one that is yet to be made has nothing to show.
    """
    if not reached.made:
        return
    try:
        lacks = list(unsuited(settings, read_served(reached.connect())))
    except (ApiError, UnreachableError):
        return
    if lacks:
        raise pulumi.RunError("\n".join(["the cluster does not suit this stack; nothing was touched:", *lacks]))


def unsuited(settings: Settings, served: Served) -> Iterator[str]:
    """Say what the settings need and the cluster has not."""
    wanted = settings.cluster.version
    # What this stack makes it upgrades itself.
    if settings.cluster.provider == "existing" and wanted is not None and wanted != served.version:
        yield f"cluster.version: {wanted}, and the API server is {served.version}; allowed: the version that it has"
    spared = settings.autoscaler is not None and settings.autoscaler.kind != "none" and settings.autoscaler.spare
    if spared and _number(served.version) < _number(_MARKS_PODS):
        yield f"autoscaler.spare: needs Kubernetes {_MARKS_PODS}, and the API server is {served.version}; set it to []"
    for group, what in {**_ALWAYS, **_of_add_ons(settings)}.items():
        if group not in served.groups:
            yield f"{what} need the API {group}, which this cluster does not serve"


def _of_add_ons(settings: Settings) -> dict[str, str]:
    needed: dict[str, str] = {}
    if any(weighed(settings, name) for name in settings.models):
        needed["gateway.networking.k8s.io/v1"] = "routes through a Gateway (its CRDs come with the Gateway API)"
    if settings.autoscaler is not None and settings.autoscaler.kind == "karpenter":
        needed["karpenter.sh/v1"] = "autoscaler.kind karpenter's NodePools (their CRDs come with Karpenter's chart)"
    return needed


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
