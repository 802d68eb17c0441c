from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from components.labels import SERVED_PORT, SLOT, owner_labels
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AccessRole", "TeamNamespace", "TeamNamespaceArgs"]

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
_POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}

# Where NodeLocal DNSCache listens on every node that runs it; a link-local address is no pod and no selector finds it.
# Source: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
_NODE_LOCAL_DNS = "169.254.20.10/32"

_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


@dataclass(frozen=True, kw_only=True)
class TeamNamespaceArgs:
    """A team's share of one environment."""

    team: str
    environment: str

    quota: Mapping[str, str] = field(default_factory=dict)
    """The namespace's ResourceQuota, keys and quantities as Kubernetes has them (`requests.cpu: "40"`); empty for
    none. Both slots of a model count, and so do the pods that a rollout adds: a quarter, rounded up."""

    access: Mapping[AccessRole, Sequence[str]] = field(default_factory=dict)
    """Who may do what: `group:<name>`, `user:<name>` or `serviceaccount:<namespace>/<name>` a role."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the namespace, such as a cost centre."""


class TeamNamespace(pulumi.ComponentResource):
    """Everything a team owns inside one cluster: a namespace, its limits, its walls and its keys.

    Pods without requests get defaults; pods that ask for privileges are refused; nothing reaches a pod or leaves it
    that no policy names. Roles are Kubernetes' own admin, edit and view: a reader knows them, and they follow new
    resource types by aggregation.
    """

    name: str
    """The namespace's name, `<team>-<environment>`: plain, since policies and the guard read it before it exists."""

    def __init__(self, name: str, args: TeamNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "mlplatform:index:TeamNamespace", name, {"team": args.team, "environment": args.environment}, opts
        )
        self.name = f"{args.team}-{args.environment}"
        self._labels = {**args.labels, **owner_labels(team=args.team, environment=args.environment)}
        namespace = Manifest(
            "v1:Namespace",
            self.name,
            {"metadata": {"name": self.name, "labels": {**self._labels, **_POD_SECURITY}}},
            pulumi.ResourceOptions(parent=self),
        )
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        self._create_limits(args.quota)
        self._create_network_policies()
        self._create_access(args.access)
        self._object("v1:ServiceAccount", args.team, {"automountServiceAccountToken": False})
        self.register_outputs({"name": self.name})

    def _object(self, kind: str, name: str, body: Mapping[str, Any]) -> Manifest:
        metadata = {"name": name, "namespace": self.name, "labels": self._labels}
        return Manifest(kind, f"{self.name}/{name}", {"metadata": metadata, **body}, self._inside)

    def _create_limits(self, quota: Mapping[str, str]) -> None:
        most = {**_DEFAULT_LIMITS, **(_DEFAULT_CPU_LIMIT if _CPU_LIMIT_COUNTED in quota else {})}
        limits = {"type": "Container", "defaultRequest": _DEFAULT_REQUESTS, "default": most}
        self._object("v1:LimitRange", "defaults", {"spec": {"limits": [limits]}})
        if quota:
            self._object("v1:ResourceQuota", "quota", {"spec": {"hard": dict(quota)}})

    def _create_network_policies(self) -> None:
        """Deny everything, then open what models need.

        A model's served port is open to every source: its callers are gateways, other teams' services and the API
        server's proxy (through which the guard sends its smoke request), and the last has a node's or a control
        plane's address, which no selector finds. Every other port of it is open to its own namespace alone.
        The kubelet's probes need no rule: traffic from a pod's own node is never denied.
        """
        everyone: list[Any] = [{"podSelector": {}}]
        dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        node_dns = {"ipBlock": {"cidr": _NODE_LOCAL_DNS}}
        serving = {"matchExpressions": [{"key": SLOT, "operator": "Exists"}]}
        served = {"protocol": "TCP", "port": SERVED_PORT}
        both = ["Ingress", "Egress"]
        policies: dict[str, dict[str, Any]] = {
            "deny-all": {"podSelector": {}, "policyTypes": both},
            "allow-dns": {
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [{"to": [dns, node_dns], "ports": _DNS_PORTS}],
            },
            "allow-inside": {
                "podSelector": {},
                "policyTypes": both,
                "ingress": [{"from": everyone}],
                "egress": [{"to": everyone}],
            },
            "allow-serving": {"podSelector": serving, "policyTypes": ["Ingress"], "ingress": [{"ports": [served]}]},
        }
        for name, spec in policies.items():
            self._object("networking.k8s.io/v1:NetworkPolicy", name, {"spec": spec})

    def _create_access(self, access: Mapping[AccessRole, Sequence[str]]) -> None:
        for role, subjects in access.items():
            # A binding's role cannot be changed, so each role has a binding of its own, named by it.
            if subjects:
                self._object(
                    "rbac.authorization.k8s.io/v1:RoleBinding",
                    f"team-{role}",
                    {
                        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                        "subjects": [_subject(subject) for subject in subjects],
                    },
                )


def _subject(subject: str) -> dict[str, str]:
    """Turn `group:risk`, `user:ann` or `serviceaccount:ci/deployer` into a binding's subject.

    Raises ValueError for any other form.
    """
    kind, _, name = subject.partition(":")
    match kind, name.partition("/"):
        case (("group" | "user"), _) if name:
            return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind.capitalize(), "name": name}
        case "serviceaccount", (namespace, "/", account) if namespace and account:
            return {"kind": "ServiceAccount", "namespace": namespace, "name": account}
    raise ValueError(
        f'access: "{subject}" is none of "group:<name>", "user:<name>", "serviceaccount:<namespace>/<name>"'
    )
