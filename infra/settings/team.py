"""A team's space: who may do what in it, and how much it may take."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

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


Subject = Annotated[str, AfterValidator(_subject)]
_Subjects = Annotated[tuple[Subject, ...], Field(strict=False)]


class Access(Section):
    """Who is bound to Kubernetes' own user-facing roles `admin`, `edit` and `view`, in the team's namespace only."""

    admin: _Subjects = ()
    edit: _Subjects = ()
    view: _Subjects = ()


class Team(Section):
    """Everything a team owns inside one cluster."""

    access: Access = Access()
    """Nobody by default: a namespace that someone may enter says who."""

    quota: FrozenMap[Annotated[str, AfterValidator(_quota_key)], Quantity] = Field(default_factory=empty)
    """The namespace's ResourceQuota, `spec.hard`. Required keys are checked beside it: see `rules`."""
