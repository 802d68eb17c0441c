from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.manifest import Manifest
    from components.node_pool import Taint

__all__ = ["Karpenter", "KarpenterArgs", "KarpenterPool", "NodeClassRef"]

_NAME = "karpenter"
_LEASE = f"{_NAME}-leader-election"
_LEASES = "kube-node-lease"
"""The controller's own names for itself and its lease, and Kubernetes' for the nodes' leases."""

_PORTS = {"http-metrics": 8080, "http": 8081}
"""Where it serves /metrics, and /healthz and /readyz. Source: pkg/operator/options/options.go."""

_GROUP = "karpenter.sh"
_READ = ["get", "list", "watch"]

# What it may do anywhere: look at all that decides where pods go, order nodes, drain them, and take them away.
_CLUSTER_RULES: tuple[Mapping[str, Any], ...] = (
    {
        "apiGroups": [""],
        "resources": [
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
        ],
        "verbs": _READ,
    },
    {
        "apiGroups": ["apps"],
        "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"],
        "verbs": ["list", "watch"],
    },
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _READ},
    {"apiGroups": ["storage.k8s.io"], "resources": ["csinodes", "storageclasses", "volumeattachments"], "verbs": _READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]},
    {
        "apiGroups": [_GROUP],
        "resources": [
            "nodeclaims",
            "nodeclaims/status",
            "nodeoverlays",
            "nodeoverlays/status",
            "nodepools",
            "nodepools/status",
        ],
        "verbs": _READ,
    },
    {
        "apiGroups": [_GROUP],
        "resources": ["nodeclaims", "nodeclaims/finalizers", "nodeclaims/status"],
        "verbs": ["create", "delete", "patch", "update"],
    },
    {
        "apiGroups": [_GROUP],
        "resources": ["nodeoverlays/status", "nodepools", "nodepools/finalizers", "nodepools/status"],
        "verbs": ["patch", "update"],
    },
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["create", "delete", "patch", "update"]},
    {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    # A pod that would outlive its node's own end is deleted in time.
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
)

# What it may do in its own namespace: hold the lease by which one of several leads. A name cannot bound a creation.
_OWN_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "watch"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [_LEASE],
        "verbs": ["patch", "update"],
    },
)

# And where nodes say that they live: the lease of one that is gone goes too.
_LEASE_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": [*_READ, "delete"]},
)


@dataclass(frozen=True, kw_only=True)
class NodeClassRef:
    """The cloud's own object that says which machines nodes are made of."""

    group: str
    kind: str
    name: str

    @property
    def plural(self) -> str:
        """The kind as a resource: every cloud's ends in `NodeClass`."""
        return f"{self.kind.lower()}es"


@dataclass(frozen=True, kw_only=True)
class KarpenterPool:
    """Nodes of one kind. `most` bounds how many there are."""

    labels: Mapping[str, str]
    most: int
    requirements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Which values each well-known label may have: instance type, architecture, zone, capacity type."""

    taints: Sequence[Taint] = ()


@dataclass(frozen=True, kw_only=True)
class KarpenterArgs:
    """How Karpenter is run. Raises ValueError without any pool: it would do nothing and say nothing."""

    namespace: str
    image: str
    node_class: NodeClassRef
    pools: Mapping[str, KarpenterPool]
    disruption: Mapping[str, Any]
    """As in a NodePool's `spec.disruption`; of every pool."""

    expire_after: str
    """As in a NodePool: `720h`, or `Never`."""

    termination_grace_period: str | None = None
    """As in a NodePool; None for one that waits for its pods as long as they take."""

    flags: Mapping[str, str] = field(default_factory=dict)
    """Further flags, without `--`."""

    identity: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its ServiceAccount."""

    def __post_init__(self) -> None:
        if not self.pools:
            raise ValueError("karpenter: no pools")


class Karpenter(pulumi.ComponentResource):
    """Karpenter and its NodePools, with no right that it does not use.

    Its kinds are CustomResourceDefinitions that come with the cloud's own build of it, before this.
    """

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:Karpenter", name, {"nodeClass": args.node_class.kind}, opts)
        self._args = args
        self._controller = Controller(self, _NAME, args.namespace)
        running = self._create_deployment(self._create_rights())
        self._controller.budget()
        self._controller.metrics("http-metrics", _PORTS["http-metrics"])
        for pool, held in args.pools.items():
            # After the controller, so that a destroy takes pools first and somebody is left to drain their nodes.
            self._create_pool(pool, held, running)
        self.register_outputs({"namespace": args.namespace})

    def _create_rights(self) -> list[Manifest]:
        seen = self._args.node_class
        of_the_cloud = (
            {"apiGroups": [seen.group], "resources": [seen.plural], "verbs": [*_READ, "patch", "update"]},
            {"apiGroups": [seen.group], "resources": [f"{seen.plural}/status"], "verbs": ["patch", "update"]},
        )
        return [
            self._controller.account(self._args.identity),
            *self._controller.grant([*_CLUSTER_RULES, *of_the_cloud], None),
            *self._controller.grant(_OWN_RULES, self._args.namespace),
            *self._controller.grant(_LEASE_RULES, _LEASES),
        ]

    def _create_deployment(self, after: Sequence[Manifest]) -> Manifest:
        probe = {"periodSeconds": 10, "timeoutSeconds": 5}
        container = {
            "image": self._args.image,
            "args": [f"--{flag}={value}" for flag, value in sorted(self._args.flags.items())],
            "env": [
                {"name": "KARPENTER_SERVICE", "value": _NAME},
                {"name": "SYSTEM_NAMESPACE", "value": self._args.namespace},
            ],
            "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in _PORTS.items()],
            # Upstream's chart asks for a core and a GiB, which its own load tests are made with.
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "initialDelaySeconds": 30, **probe},
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, **probe},
        }
        return self._controller.deployment(container, user=65532, after=after)

    def _create_pool(self, name: str, pool: KarpenterPool, after: Manifest) -> None:
        template: dict[str, Any] = {
            "nodeClassRef": {
                "group": self._args.node_class.group,
                "kind": self._args.node_class.kind,
                "name": self._args.node_class.name,
            },
            "requirements": [
                {"key": key, "operator": "In", "values": list(values)} for key, values in pool.requirements.items()
            ],
            "expireAfter": self._args.expire_after,
        }
        if self._args.termination_grace_period is not None:
            template["terminationGracePeriod"] = self._args.termination_grace_period
        if pool.taints:
            template["taints"] = [_taint(taint) for taint in pool.taints]
        spec = {
            "template": {"metadata": {"labels": dict(pool.labels)}, "spec": template},
            "disruption": dict(self._args.disruption),
            "limits": {"nodes": str(pool.most)},
        }
        opts = pulumi.ResourceOptions(depends_on=[after])
        self._controller.object(f"{_GROUP}/v1:NodePool", name, {"spec": spec}, namespace=None, opts=opts)


def _taint(taint: Taint) -> dict[str, str]:
    found = {"key": taint.key, "effect": taint.effect}
    return {**found, "value": taint.value} if taint.value else found
