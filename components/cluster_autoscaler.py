from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.manifest import Manifest

__all__ = ["ClusterAutoscaler", "ClusterAutoscalerArgs", "NodeGroup"]

_NAME = "cluster-autoscaler"
_STATUS = f"{_NAME}-status"
_PRIORITIES = f"{_NAME}-priority-expander"
"""The autoscaler's own names for its ConfigMaps and its lease."""

# Where it serves /metrics and /health-check. Source: flags.go, `address`.
_PORT = 8085

_READ = ["get", "list", "watch"]

# What it may do anywhere: look at all that decides where pods go, and drain a node. It deletes no Node: the cloud's
# machine goes, and the cloud's controller takes the object away.
_CLUSTER_RULES: tuple[Mapping[str, Any], ...] = (
    {
        "apiGroups": [""],
        "resources": [
            "namespaces",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "services",
        ],
        "verbs": _READ,
    },
    # Taints: a node that is to go is marked, so that nothing new lands on it.
    {"apiGroups": [""], "resources": ["nodes"], "verbs": [*_READ, "update"]},
    {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["apps"], "resources": ["daemonsets", "replicasets", "statefulsets"], "verbs": _READ},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _READ},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _READ},
    {
        "apiGroups": ["storage.k8s.io"],
        "resources": ["csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"],
        "verbs": _READ,
    },
)

# What it may do in its own namespace. A name cannot bound a creation, so that those stand apart.
_OWN_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "list", "watch"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": [_STATUS, _PRIORITIES],
        "verbs": ["get", "update", "delete"],
    },
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [_NAME],
        "verbs": ["get", "update"],
    },
)


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """Nodes that the cloud makes alike."""

    name: pulumi.Input[str]
    """As the cloud calls the group."""
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """How the autoscaler is run. Raises ValueError without any group: it would do nothing and say nothing."""

    namespace: str
    image: str
    cloud: str
    groups: Sequence[NodeGroup]
    flags: Mapping[str, str] = field(default_factory=dict)
    """Further flags, without `--`."""

    identity: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its ServiceAccount."""

    priorities: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """For the expander `priority`: patterns of groups' names by priority; empty for no such ConfigMap."""

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError("cluster autoscaler: no node groups")


class ClusterAutoscaler(pulumi.ComponentResource):
    """The Kubernetes project's Cluster Autoscaler, with no right that it does not use."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ClusterAutoscaler", name, {"cloud": args.cloud}, opts)
        self._args = args
        self._controller = Controller(self, _NAME, args.namespace)
        rights = [
            self._controller.account(args.identity),
            *self._controller.grant(_CLUSTER_RULES, None),
            *self._controller.grant(_OWN_RULES, args.namespace),
        ]
        self._create_deployment([*rights, *self._create_priorities()])
        self._controller.budget()
        self._controller.metrics("metrics", _PORT)
        self.register_outputs({"namespace": args.namespace})

    def _create_priorities(self) -> list[Manifest]:
        if not self._args.priorities:
            return []
        # YAML, of which JSON is a part; the autoscaler reads it anew when it changes.
        text = json.dumps({str(number): list(patterns) for number, patterns in self._args.priorities.items()}, indent=1)
        body = {"data": {"priorities": text}}
        return [self._controller.object("v1:ConfigMap", _PRIORITIES, body, namespace=self._args.namespace)]

    def _create_deployment(self, after: Sequence[Manifest]) -> None:
        args = self._args
        flags = {"cloud-provider": args.cloud, "namespace": args.namespace, **args.flags}
        command: list[pulumi.Input[str]] = [f"--{flag}={value}" for flag, value in sorted(flags.items())]
        command += [_nodes(group) for group in args.groups]
        probe = {"httpGet": {"path": "/health-check", "port": "metrics"}, "periodSeconds": 10, "timeoutSeconds": 5}
        container = {
            "image": args.image,
            "args": command,
            "ports": [{"name": "metrics", "containerPort": _PORT, "protocol": "TCP"}],
            # Upstream's own manifests ask for as much; a cluster of a thousand nodes needs ten times the memory.
            "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}, "limits": {"memory": "600Mi"}},
            "livenessProbe": {**probe, "failureThreshold": 6},
            "readinessProbe": probe,
        }
        self._controller.deployment(container, user=65534, after=after)


def _nodes(group: NodeGroup) -> pulumi.Input[str]:
    bounds = f"--nodes={group.least}:{group.most}:"
    return f"{bounds}{group.name}" if isinstance(group.name, str) else pulumi.Output.concat(bounds, group.name)
