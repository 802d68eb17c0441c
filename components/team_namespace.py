from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from components.labels import owner_labels
from components.manifest import Manifest
from components.network_policies import Walls, network_policies
from components.priority_classes import priority_class_name
from components.pull_secret import PullLogin, pull_secret
from components.subjects import binding_subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["QUOTA", "AccessRole", "TeamNamespace", "TeamNamespaceArgs", "priority_quota_name"]

QUOTA = "quota"
"""The ResourceQuota that counts everything in a namespace."""

AccessRole = Literal["admin", "edit", "view"]

# What a container gets that names nothing itself. Every key that makes a quota refuse a pod without it (requests and
# limits of cpu and memory) stands here, so that a quota never rejects a pod for silence. Small enough to fit a helper
# beside a model; who needs more names request and limit both, since a request above the default limit is refused.
# Source: https://kubernetes.io/docs/concepts/policy/limit-range/
_DEFAULT_REQUESTS = {"cpu": "100m", "memory": "256Mi"}
_DEFAULT_LIMITS = {"memory": "512Mi"}

# Only where the quota counts CPU limits and so asks every pod for one: anywhere else a default would be put into
# models' pods, which have none unless they name one.
_CPU_LIMIT_COUNTED = "limits.cpu"
_DEFAULT_CPU_LIMIT = {"cpu": "1"}

# The strictest of the Pod Security standards: models need no privilege. Warn and audit say the same at the
# Deployment, where a person looks; enforce speaks only when the pods fail to appear.
# Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/
# Where the team is allowed more, the two still tell what restricted would refuse.
_POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
_ENFORCED = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True, kw_only=True)
class TeamNamespaceArgs:
    """A team's share of one environment."""

    team: str
    environment: str

    further: str | None = None
    """The further namespace that is meant, by its name; None for the team's main one."""

    quota: Mapping[str, str] = field(default_factory=dict)
    """The namespace's ResourceQuota, keys and quantities as Kubernetes has them (`requests.cpu: "40"`); empty for
    none. Both slots of a model count, and so do the pods that a rollout adds: a quarter, rounded up."""

    priority_quotas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What pods of one priority class may take of it, by the class's name without its environment."""

    access: Mapping[AccessRole, Sequence[str]] = field(default_factory=dict)
    """Who may do what: `group:<name>`, `user:<name>` or `serviceaccount:<namespace>/<name>` a role."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the namespace and all in it, such as a cost centre."""

    pod_security: Literal["restricted", "baseline"] = "restricted"

    walls: Walls = field(default_factory=Walls)

    aliases: Mapping[str, str] = field(default_factory=dict)
    """Services that are found here by name and run elsewhere: name to host."""

    pull_logins: Mapping[str, PullLogin] = field(default_factory=dict)
    """By the name of their Secret."""

    protect: bool = False
    """Whether Pulumi refuses to delete the namespace, and everything in it with it."""


class TeamNamespace(pulumi.ComponentResource):
    """Everything a team owns inside one cluster: a namespace, its limits, its walls and its keys.

    Pods without requests get defaults; pods that ask for privileges are refused; nothing reaches a pod or leaves it
    that no policy names. Roles are Kubernetes' own admin, edit and view: a reader knows them, and they follow new
    resource types by aggregation.
    """

    name: str
    """The namespace's name, `<team>-<environment>` or `<team>-<further>-<environment>`: plain, since policies and the
    guard read it before it exists."""

    def __init__(self, name: str, args: TeamNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "mlplatform:index:TeamNamespace", name, {"team": args.team, "environment": args.environment}, opts
        )
        self._args = args
        further = () if args.further is None else (args.further,)
        self.name = "-".join((args.team, *further, args.environment))
        self._labels = {**args.labels, **owner_labels(team=args.team, environment=args.environment)}
        labels = {**self._labels, **_POD_SECURITY, _ENFORCED: args.pod_security}
        namespace = Manifest(
            "v1:Namespace",
            self.name,
            {"metadata": {"name": self.name, "labels": labels}},
            pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        self._create_limits(args.quota, args.priority_quotas)
        self._create_network_policies(args.walls)
        self._create_access(args.access)
        self._create_account(args.pull_logins)
        self._create_aliases(args.aliases)
        self.register_outputs({"name": self.name})

    def _object(
        self, kind: str, name: str, body: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> Manifest:
        metadata = {"name": name, "namespace": self.name, "labels": self._labels}
        opts = pulumi.ResourceOptions.merge(self._inside, opts)
        return Manifest(kind, f"{self.name}/{name}", {"metadata": metadata, **body}, opts)

    def _create_limits(self, quota: Mapping[str, str], scoped: Mapping[str, Mapping[str, str]]) -> None:
        counted = {key for hard in (quota, *scoped.values()) for key in hard}
        most = {**_DEFAULT_LIMITS, **(_DEFAULT_CPU_LIMIT if _CPU_LIMIT_COUNTED in counted else {})}
        limits = {"type": "Container", "defaultRequest": _DEFAULT_REQUESTS, "default": most}
        self._object("v1:LimitRange", "defaults", {"spec": {"limits": [limits]}})
        if quota:
            self._object("v1:ResourceQuota", QUOTA, {"spec": {"hard": dict(quota)}})
        for short, hard in scoped.items():
            name = priority_class_name(short, self._args.environment)
            scope = {"scopeName": "PriorityClass", "operator": "In", "values": [name]}
            spec = {"hard": dict(hard), "scopeSelector": {"matchExpressions": [scope]}}
            self._object("v1:ResourceQuota", priority_quota_name(short), {"spec": spec})

    def _create_network_policies(self, walls: Walls) -> None:
        for name, spec in network_policies(walls).items():
            self._object("networking.k8s.io/v1:NetworkPolicy", name, {"spec": spec})

    def _create_aliases(self, hosts: Mapping[str, str]) -> None:
        """Declare shared services under the names by which the team's pods find them: DNS answers with the host."""
        for name, host in hosts.items():
            self._object("v1:Service", name, {"spec": {"type": "ExternalName", "externalName": host}})

    def _create_account(self, logins: Mapping[str, PullLogin]) -> None:
        for name, login in logins.items():
            body = {"type": "kubernetes.io/dockerconfigjson", "stringData": pull_secret(login)}
            hidden = pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
            self._object("v1:Secret", name, body, hidden)
        pulled = {"imagePullSecrets": [{"name": name} for name in logins]} if logins else {}
        self._object("v1:ServiceAccount", self._args.team, {"automountServiceAccountToken": False, **pulled})
        # The account of every pod that names none is made by a controller, whichever comes first. A Patch owns this one
        # field of it, and hands it back when the team goes.
        default = {"metadata": {"name": "default", "namespace": self.name}, "automountServiceAccountToken": False}
        Manifest("v1:ServiceAccountPatch", f"{self.name}/default", default, self._inside)

    def _create_access(self, access: Mapping[AccessRole, Sequence[str]]) -> None:
        for role, subjects in access.items():
            # A binding's role cannot be changed, so each role has a binding of its own, named by it.
            if subjects:
                self._object(
                    "rbac.authorization.k8s.io/v1:RoleBinding",
                    f"team-{role}",
                    {
                        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                        "subjects": [binding_subject(subject) for subject in subjects],
                    },
                )


def priority_quota_name(priority_class: str) -> str:
    """Name the ResourceQuota that counts the pods of one class, given by its name without the environment."""
    return f"{QUOTA}-{priority_class}"
