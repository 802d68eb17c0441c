from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.api_token import API_TOKEN, API_TOKEN_MOUNT
from components.labels import MANAGED_BY, NAME, PATCH_FORCE
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    name: str
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
        self._labels = {NAME: _NAME, MANAGED_BY: "pulumi"}
        rights = self._create_rights()
        configuration = self._create_priorities()
        self._create_deployment([*rights, *configuration])
        self._create_budget()
        self._create_metrics()
        self.register_outputs({"namespace": args.namespace})

    def _create_rights(self) -> list[Manifest]:
        account = self._object("v1:ServiceAccount", _NAME, {}, annotations={PATCH_FORCE: "true", **self._args.identity})
        subject = {"kind": "ServiceAccount", "name": _NAME, "namespace": self._args.namespace}
        found = [account]
        for kind, rules, own in (("ClusterRole", _CLUSTER_RULES, False), ("Role", _OWN_RULES, True)):
            role = self._object(f"rbac.authorization.k8s.io/v1:{kind}", _NAME, {"rules": list(rules)}, own=own)
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": _NAME}
            binding = {"roleRef": reference, "subjects": [subject]}
            found += [role, self._object(f"rbac.authorization.k8s.io/v1:{kind}Binding", _NAME, binding, own=own)]
        return found

    def _create_priorities(self) -> list[Manifest]:
        if not self._args.priorities:
            return []
        # YAML, of which JSON is a part; the autoscaler reads it anew when it changes.
        text = json.dumps({str(number): list(patterns) for number, patterns in self._args.priorities.items()}, indent=1)
        return [self._object("v1:ConfigMap", _PRIORITIES, {"data": {"priorities": text}})]

    def _create_deployment(self, after: Sequence[Manifest]) -> None:
        args = self._args
        flags = {"cloud-provider": args.cloud, "namespace": args.namespace, **args.flags}
        command = [f"--{flag}={value}" for flag, value in sorted(flags.items())]
        command += [f"--nodes={group.least}:{group.most}:{group.name}" for group in args.groups]
        probe = {"httpGet": {"path": "/health-check", "port": "metrics"}, "periodSeconds": 10, "timeoutSeconds": 5}
        container = {
            "name": _NAME,
            "image": args.image,
            "imagePullPolicy": "IfNotPresent",
            "args": command,
            "ports": [{"name": "metrics", "containerPort": _PORT, "protocol": "TCP"}],
            # Upstream's own manifests ask for as much; a cluster of a thousand nodes needs ten times the memory.
            "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}, "limits": {"memory": "600Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
            "volumeMounts": [API_TOKEN_MOUNT],
            "livenessProbe": {**probe, "failureThreshold": 6},
            "readinessProbe": probe,
        }
        spec = {
            "serviceAccountName": _NAME,
            "automountServiceAccountToken": False,
            "volumes": [API_TOKEN],
            # It must find room when nothing else does, or nothing ever will.
            "priorityClassName": "system-cluster-critical",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        }
        body = {
            # A second would wait for the first one's lease, and costs 600 MiB to save some fifteen seconds.
            "replicas": 1,
            "selector": {"matchLabels": {NAME: _NAME}},
            "template": {"metadata": {"labels": self._labels}, "spec": spec},
        }
        self._object(
            "apps/v1:Deployment",
            _NAME,
            {"spec": body},
            opts=pulumi.ResourceOptions(depends_on=list(after)),
        )

    def _create_budget(self) -> None:
        """Let a drain take it away: a budget that forbids it would stop the upgrade of its node for ever."""
        spec = {"selector": {"matchLabels": {NAME: _NAME}}, "maxUnavailable": 1}
        self._object("policy/v1:PodDisruptionBudget", _NAME, {"spec": spec})

    def _create_metrics(self) -> None:
        ports = [{"name": "metrics", "port": _PORT, "targetPort": "metrics", "protocol": "TCP"}]
        self._object("v1:Service", _NAME, {"spec": {"selector": {NAME: _NAME}, "ports": ports}})

    def _object(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        *,
        own: bool = True,
        annotations: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> Manifest:
        """Declare an object of its namespace (`own`), or of the cluster."""
        metadata: dict[str, Any] = {"name": name, "labels": self._labels}
        if own:
            metadata["namespace"] = self._args.namespace
        if annotations is not None:
            metadata["annotations"] = annotations
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), opts)
        where = f"{self._args.namespace}/{name}" if own else name
        return Manifest(kind, where, {"metadata": metadata, **body}, opts)
