"""A controller of the cluster's own: pods that talk to the API server, with the rights that it is given.

What the autoscalers of nodes have in common; each is a component that declares its parts by this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.confined import CONFINED
from components.labels import MANAGED_BY, NAME, PATCH_FORCE
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Controller"]

_RBAC = "rbac.authorization.k8s.io"

# A token for the API server, by name, where every client looks for one: what Kubernetes would mount by itself, said
# where a reader of the manifest sees that this pod has one. Source: KEP-1205, the ServiceAccount admission plugin.
_NAMESPACE = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}

_TOKEN: Mapping[str, Any] = {
    "name": "api-server",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _NAMESPACE}]}},
        ]
    },
}
"""A pod's volume."""

_TOKEN_MOUNT: Mapping[str, Any] = {
    "name": _TOKEN["name"],
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "readOnly": True,
}
"""Where a container finds it."""


class Controller:
    """Declares the parts of a controller as a component's children, all of them under its one name."""

    def __init__(self, parent: pulumi.ComponentResource, name: str, namespace: str) -> None:
        self._parent, self._name, self._namespace = parent, name, namespace
        self._labels = {NAME: name, MANAGED_BY: "pulumi"}

    def account(self, identity: Mapping[str, str]) -> Manifest:
        """Declare its ServiceAccount; `identity` are the annotations by which a cloud knows it."""
        return self.own("v1:ServiceAccount", {}, annotations={PATCH_FORCE: "true", **identity})

    def grant(self, rules: Sequence[Mapping[str, Any]], namespace: str | None) -> list[Manifest]:
        """Declare a role with these rules and bind it: in a namespace, or with None everywhere."""
        kind = "ClusterRole" if namespace is None else "Role"
        subject = {"kind": "ServiceAccount", "name": self._name, "namespace": self._namespace}
        binding = {"roleRef": {"apiGroup": _RBAC, "kind": kind, "name": self._name}, "subjects": [subject]}
        return [
            self.object(f"{_RBAC}/v1:{kind}", self._name, {"rules": list(rules)}, namespace=namespace),
            self.object(f"{_RBAC}/v1:{kind}Binding", self._name, binding, namespace=namespace),
        ]

    def deployment(self, container: Mapping[str, Any], *, user: int, after: Sequence[Manifest]) -> Manifest:
        """Declare its two pods, of which one acts.

        `container` is what differs: image, arguments, ports, probes, resources.
        """
        whole = {
            "name": self._name,
            "imagePullPolicy": "IfNotPresent",
            "securityContext": CONFINED,
            "volumeMounts": [_TOKEN_MOUNT],
            **container,
        }
        spec = {
            "serviceAccountName": self._name,
            "automountServiceAccountToken": False,
            "volumes": [_TOKEN],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {NAME: self._name}},
                }
            ],
            # It must find room when nothing else does, or nothing ever will.
            "priorityClassName": "system-cluster-critical",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [whole],
        }
        body = {
            # The second waits for the first one's lease: nodes come even while a node goes that the first stood on.
            "replicas": 2,
            "selector": {"matchLabels": {NAME: self._name}},
            "template": {"metadata": {"labels": self._labels}, "spec": spec},
        }
        opts = pulumi.ResourceOptions(depends_on=list(after))
        return self.own("apps/v1:Deployment", {"spec": body}, opts=opts)

    def budget(self) -> None:
        """Let a drain take it away: a budget that forbids it would stop the upgrade of its node for ever."""
        spec = {"selector": {"matchLabels": {NAME: self._name}}, "maxUnavailable": 1}
        self.own("policy/v1:PodDisruptionBudget", {"spec": spec})

    def metrics(self, name: str, port: int) -> None:
        """Declare the Service by which its metrics are scraped; `name` is the container's name of the port."""
        ports = [{"name": name, "port": port, "targetPort": name, "protocol": "TCP"}]
        self.own("v1:Service", {"spec": {"selector": {NAME: self._name}, "ports": ports}})

    def own(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        annotations: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> Manifest:
        """Declare an object of its namespace and name."""
        return self.object(kind, self._name, body, namespace=self._namespace, annotations=annotations, opts=opts)

    def object(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        *,
        namespace: str | None,
        annotations: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> Manifest:
        """Declare an object of a namespace, or with None of the cluster."""
        metadata: dict[str, Any] = {"name": name, "labels": self._labels}
        if namespace is not None:
            metadata["namespace"] = namespace
        if annotations is not None:
            metadata["annotations"] = annotations
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self._parent), opts)
        where = name if namespace is None else f"{namespace}/{name}"
        return Manifest(kind, where, {"metadata": metadata, **body}, opts)
