"""A team's space: who may do what in it, and how much it may take."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from infra.settings.checked import Matching
from infra.settings.errors import did_you_mean, quote
from infra.settings.quantity import Quantity
from infra.settings.values import FrozenMap, Section, empty

__all__ = ["Access", "Subject", "Team", "is_count"]

_SUBJECT = re.compile(r"(?:group|user):\S+|serviceaccount:[a-z0-9-]+/[a-z0-9.-]+")

# https://kubernetes.io/docs/concepts/policy/resource-quotas/
_AMOUNTS = (
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "cpu",
    "memory",
)
_COUNTS = (
    "pods",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
)
# Extended resources can only be requested (limits always equal requests), and have a domain: nvidia.com/gpu.
_EXTENDED = re.compile(r"requests\.[a-z0-9.-]+\.[a-z]+/[a-z0-9._-]+")
_OBJECT_COUNT = re.compile(r"count/[a-z0-9]+(?:\.[a-z0-9.-]+)?")
_STORAGE_CLASS = re.compile(r"[a-z0-9.-]+\.storageclass\.storage\.k8s\.io/(?:requests\.storage|persistentvolumeclaims)")


def is_count(key: str) -> bool:
    """Tell whether a quota's key counts whole things (pods, GPUs) rather than measuring an amount."""
    return (
        key in _COUNTS
        or key.endswith("/persistentvolumeclaims")
        or bool(_EXTENDED.fullmatch(key) or _OBJECT_COUNT.fullmatch(key))
    )


def _quota_key(key: str) -> str:
    if key in _AMOUNTS or is_count(key) or _STORAGE_CLASS.fullmatch(key):
        return key
    known = (*_AMOUNTS, *_COUNTS)
    hint = did_you_mean(key, known) or (
        f"; allowed: {', '.join(known)}, requests.<domain>/<resource>, count/<resource>.<group>"
    )
    raise ValueError(f"unknown quota {quote(key)}{hint}")


def _subject(value: str) -> str:
    if not _SUBJECT.fullmatch(value):
        raise ValueError(
            f"bad subject {quote(value)}; allowed: group:<name>, user:<name>, serviceaccount:<namespace>/<name>"
        )
    return value


Subject = Annotated[
    str,
    Matching(
        _subject,
        words="`group:<name>`, `user:<name>` or `serviceaccount:<namespace>/<name>`",
        pattern=_SUBJECT.pattern,
    ),
]
QuotaKey = Annotated[
    str,
    Matching(
        _quota_key,
        words="resource that a ResourceQuota counts",
        pattern="|".join(
            [
                *(re.escape(key) for key in (*_AMOUNTS, *_COUNTS)),
                *(pattern.pattern for pattern in (_EXTENDED, _OBJECT_COUNT, _STORAGE_CLASS)),
            ]
        ),
    ),
]
_Subjects = Annotated[tuple[Subject, ...], Field(strict=False)]


class Access(Section):
    """Who is bound to Kubernetes' own user-facing roles `admin`, `edit` and `view`, in the team's namespace only."""

    admin: _Subjects = ()
    """Who may do everything in the namespace but change its quota. Nobody by default.

    Upstream: ClusterRole `admin`.
    Example: `admin: [group:ml-leads]`
    """

    edit: _Subjects = ()
    """Who may change what runs there, but not who else may. Nobody by default.

    Upstream: ClusterRole `edit`.
    Example: `edit: [group:fraud-data-science, "serviceaccount:ci/deployer"]`
    """

    view: _Subjects = ()
    """Who may look, but not at secrets. Nobody by default.

    Upstream: ClusterRole `view`.
    Example: `view: [group:risk]`
    """


class Team(Section):
    """Everything a team owns inside one cluster."""

    access: Access = Access()
    """Who may do what there. Nobody anything by default: a namespace that someone may enter says who."""

    quota: FrozenMap[QuotaKey, Quantity] = Field(default_factory=empty)
    """How much the team may take. CPU and memory must be bounded (`requests.cpu`, `requests.memory`), so that no team
    can take the whole cluster; and there must be room for the team's models at their smallest.

    Default: required.
    Upstream: ResourceQuota `spec.hard`.
    Example: `quota: {requests.cpu: "40", requests.memory: 160Gi, pods: "200"}`
    """
