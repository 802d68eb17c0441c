from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.manifest import Manifest
from components.subjects import binding_subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DEPLOY", "DeployIdentity", "DeployIdentityArgs"]

DEPLOY = "deploy"
"""The name of the ServiceAccount, and of Role and RoleBinding in each namespace."""

_READ = ["get", "list", "watch"]
_CHANGE = [*_READ, "create", "update", "patch", "delete"]

# What a pipeline applies, and what it looks at while it waits. What is missing is missing on purpose: Secrets cannot be
# read; pods cannot be made bare, entered or attached to; a claim can be made and grown, and not deleted with its data;
# roles, quotas, limit ranges and network policies are the platform's. Who may start pods may mount any Secret of the
# namespace into them: that cannot be taken from a deployer by RBAC.
# Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
_RULES: tuple[tuple[str, tuple[str, ...], list[str]], ...] = (
    ("", ("configmaps", "services"), _CHANGE),
    ("", ("persistentvolumeclaims",), [*_READ, "create", "patch"]),
    ("", ("events", "pods", "pods/log", "resourcequotas", "serviceaccounts"), _READ),
    ("apps", ("daemonsets", "deployments", "statefulsets"), _CHANGE),
    ("apps", ("deployments/scale", "statefulsets/scale"), ["get", "update", "patch"]),
    ("apps", ("controllerrevisions", "replicasets"), _READ),
    ("autoscaling", ("horizontalpodautoscalers",), _CHANGE),
    ("batch", ("cronjobs", "jobs"), _CHANGE),
    ("gateway.networking.k8s.io", ("httproutes",), _CHANGE),
    ("networking.k8s.io", ("ingresses",), _CHANGE),
    ("policy", ("poddisruptionbudgets",), _CHANGE),
)


@dataclass(frozen=True, kw_only=True)
class DeployIdentityArgs:
    """Who deploys for a team, and where.

    The ServiceAccount stands in the first of `namespaces`; in each of them it may do the same. `also` are further
    subjects, as a TeamNamespace's access has them.
    """

    namespaces: Sequence[str]
    labels: Mapping[str, str]
    also: Sequence[str] = field(default=())


class DeployIdentity(pulumi.ComponentResource):
    """An identity for CI: it changes what runs in a team's namespaces, and nothing about who may and how much."""

    def __init__(self, name: str, args: DeployIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:DeployIdentity", name, {"namespaces": list(args.namespaces)}, opts)
        home = args.namespaces[0]
        subjects = [binding_subject(subject) for subject in (f"serviceaccount:{home}/{DEPLOY}", *args.also)]
        self._labels = dict(args.labels)
        # Without a token in pods: a pipeline asks for one that ends by itself (TokenRequest).
        self._object(home, "v1:ServiceAccount", {"automountServiceAccountToken": False})
        for namespace in args.namespaces:
            rules = [{"apiGroups": [group], "resources": list(kinds), "verbs": verbs} for group, kinds, verbs in _RULES]
            role = self._object(namespace, "rbac.authorization.k8s.io/v1:Role", {"rules": rules})
            self._object(
                namespace,
                "rbac.authorization.k8s.io/v1:RoleBinding",
                {
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": DEPLOY},
                    "subjects": subjects,
                },
                depends_on=[role],
            )
        self.register_outputs({})

    def _object(
        self, namespace: str, kind: str, body: Mapping[str, Any], depends_on: Sequence[pulumi.Resource] = ()
    ) -> Manifest:
        metadata = {"name": DEPLOY, "namespace": namespace, "labels": self._labels}
        opts = pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))
        return Manifest(kind, f"{namespace}/{DEPLOY}", {"metadata": metadata, **body}, opts)
