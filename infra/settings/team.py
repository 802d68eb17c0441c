"""A team's namespaces: who may do what in them, how much they may take, what may pass their walls."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from infra.settings.checked import Matching
from infra.settings.claims import Claim
from infra.settings.errors import did_you_mean, quote
from infra.settings.image import Registry
from infra.settings.network import Network
from infra.settings.quantity import Quantity
from infra.settings.values import LABEL_LENGTH, FrozenMap, Name, Section, Text, VersionName, empty

__all__ = ["Access", "Deploy", "Further", "PullSecret", "Space", "Subject", "Team", "is_count"]

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


# What a pod has, and so what can be counted of the pods of one class alone; storage and objects have none.
# Source: k8s.io/kubernetes pkg/apis/core/helper, IsResourceQuotaScopeValidForResource
_SCOPED = ("pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "cpu", "memory")
_LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


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


def _scoped_quota_key(key: str) -> str:
    """Return the key of a quota that is scoped by priority class; raises ValueError for what it cannot count."""
    if key in _SCOPED or _EXTENDED.fullmatch(key):
        return key
    hint = did_you_mean(key, _SCOPED) if key not in (*_AMOUNTS, *_COUNTS) else ""
    raise ValueError(
        f"{quote(key)} has no priority class, so a quota of one cannot count it{hint}; allowed: {', '.join(_SCOPED)},"
        " requests.<domain>/<resource>"
    )


def _label_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if prefix == "ml-platform" or prefix.endswith(("kubernetes.io", "k8s.io")):
        raise ValueError(f"label {quote(key)} is not the team's to set; allowed: any prefix but {prefix}, or none")
    if not _LABEL_KEY.fullmatch(key) or len(name) > LABEL_LENGTH or (slash and not prefix):
        raise ValueError(f"bad label {quote(key)}; allowed: a name such as cost-centre, or example.com/cost-centre")
    return key


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
ScopedQuotaKey = Annotated[
    str,
    Matching(
        _scoped_quota_key,
        words="resource that a quota of one priority class counts",
        pattern="|".join([*(re.escape(key) for key in _SCOPED), _EXTENDED.pattern]),
    ),
]
LabelKey = Annotated[
    str,
    Matching(
        _label_key,
        words="label's key, with or without a prefix",
        pattern=r"(?!kubernetes\.io|k8s\.io|ml-platform)" + _LABEL_KEY.pattern,
    ),
]
_Subjects = Annotated[tuple[Subject, ...], Field(strict=False)]


class Access(Section):
    """Who is bound to Kubernetes' own user-facing roles `admin`, `edit` and `view`, in the team's namespaces only."""

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


class Deploy(Section):
    """A ServiceAccount `deploy` with which CI changes what runs in the team's namespaces.

    That is Deployments, Jobs, Services and what belongs to them. It reads no secret and touches neither roles, quotas
    nor network policies; no pod that uses it gets a token that is not asked for by name.
    """

    also: _Subjects = ()
    """Who else may do the same: the identity that a CI system has of its own, by OIDC. Nobody by default, and then a
    token is had by `kubectl create token deploy`, which the team's admins and editors may ask for.

    Upstream: RoleBinding `subjects`.
    Example: `also: ["user:ci:fraud"]`
    """


class PullSecret(Section):
    """A login with which nodes pull this team's images.

    A Secret of type kubernetes.io/dockerconfigjson in each of the team's namespaces, used by its ServiceAccount there
    and so by its models.
    """

    registry: Registry
    """The registry that asks for it.

    Upstream: key of `auths` in `.dockerconfigjson`.
    Example: `registry: registry.example.com/ml`
    """

    username: Annotated[Text, Field(min_length=1)]
    """The user's name; some registries have a fixed one for tokens.

    Upstream: `kubectl create secret docker-registry --docker-username`.
    Example: `username: robot`
    """

    password: Name
    """The name, in `ml-platform:secrets`, of the password or token; never the password itself.

    Upstream: `kubectl create secret docker-registry --docker-password`.
    Example: `password: registry-token`
    """


class Space(Section):
    """One namespace of a team."""

    quota: FrozenMap[QuotaKey, Quantity] = Field(default_factory=empty)
    """How much the team may take. CPU and memory must be bounded (`requests.cpu`, `requests.memory`), so that no team
    can take the whole cluster; and there must be room for the team's models at their smallest, and for its volumes.

    Default: required.
    Upstream: ResourceQuota `spec.hard`.
    Example: `quota: {requests.cpu: "40", requests.memory: 160Gi, pods: "200"}`
    """

    priority_quotas: FrozenMap[Name, FrozenMap[ScopedQuotaKey, Quantity]] = Field(default_factory=empty)
    """How much of it pods of each class of `ml-platform:priorityClasses` may take, besides the quota, which counts them
    too. No such bounds by default.

    Upstream: ResourceQuota `spec.scopeSelector`, scope PriorityClass.
    Example: `priorityQuotas: {batch: {pods: "20", requests.cpu: "10"}}`
    """

    pod_security: Literal["restricted", "baseline"] = "restricted"
    """The Pod Security standard that admission enforces. The strictest by default, which models need no exception
    from; what only `baseline` allows (to run as root, say) is still warned about. There is no `privileged`: its pods
    own their node, and with it everybody's.

    Upstream: label `pod-security.kubernetes.io/enforce`.
    Example: `podSecurity: baseline`
    """

    network: Network = Field(default_factory=Network)
    """What may pass the walls of the namespace."""

    volumes: FrozenMap[Name, Claim] = Field(default_factory=empty)
    """Volumes for data and models, by the name of their claim. None by default."""


class Further(Space):
    """A further namespace of a team, `<team>-<name>-<environment>`, for what is no model: training, notebooks.

    It has a quota and walls of its own; the team's other namespaces are strangers to it like everybody's.
    """

    access: Access | None = None
    """Who may do what here. By default whoever may in the team's main namespace; where it stands, it alone counts.

    Example: `access: {admin: [group:ml-leads], edit: [group:fraud-training]}`
    """


class Team(Space):
    """Everything a team owns inside one cluster.

    A namespace `<team>-<environment>`, where its models run, and further ones.
    """

    access: Access = Access()
    """Who may do what there. Nobody anything by default: a namespace that someone may enter says who."""

    namespaces: FrozenMap[Name, Further] = Field(default_factory=empty)
    """Further namespaces, by name. None by default."""

    deploy: Deploy | None = None
    """An identity for CI. None by default."""

    pull_secrets: FrozenMap[Name, PullSecret] = Field(default_factory=empty)
    """Logins to registries, by the name of their Secret. None by default: the nodes can pull by themselves."""

    labels: FrozenMap[LabelKey, VersionName] = Field(default_factory=empty)
    """Labels for cost accounting, on the team's namespaces and what stands in them but models. None by default; team
    and environment are labels anyway (`ml-platform/team`, `ml-platform/environment`).

    Upstream: `metadata.labels`.
    Example: `labels: {cost-centre: "4711"}`
    """

    protect: bool = True
    """Whether the team's namespaces and volumes are kept from being deleted, whatever the configuration says. They
    are: a namespace takes everything with it that stands in it. To remove a team, set it to false, run `pulumi up`, and
    then remove the team.

    Upstream: Pulumi resource option `protect`.
    Example: `protect: false`
    """
