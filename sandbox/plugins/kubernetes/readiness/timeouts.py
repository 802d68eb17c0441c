"""Which kinds are waited for, how long, and what an object's annotations say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sandbox.plugins.kubernetes.readiness.cluster import Object, api_group, dig
from sandbox.plugins.kubernetes.readiness.custom_resource_definition import CUSTOM_RESOURCE_DEFINITION
from sandbox.plugins.kubernetes.readiness.daemon_set import DAEMON_SET
from sandbox.plugins.kubernetes.readiness.deployment import DEPLOYMENT
from sandbox.plugins.kubernetes.readiness.ingress import INGRESS
from sandbox.plugins.kubernetes.readiness.job import JOB
from sandbox.plugins.kubernetes.readiness.namespace import NAMESPACE
from sandbox.plugins.kubernetes.readiness.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from sandbox.plugins.kubernetes.readiness.pod import POD
from sandbox.plugins.kubernetes.readiness.service import SERVICE
from sandbox.plugins.kubernetes.readiness.stateful_set import STATEFUL_SET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.plugins.kubernetes.readiness.verdict import Rule

__all__ = ["RULES", "Operation", "awaits", "default_timeout", "rule_of", "timeout_for"]

Operation = Literal["create", "update", "delete"]

# By group and kind: a Knative Service or a Gateway's Namespace is another thing, though it bears the same kind.
RULES: Mapping[tuple[str, str], Rule] = {
    ("", "Namespace"): NAMESPACE,
    ("", "PersistentVolumeClaim"): PERSISTENT_VOLUME_CLAIM,
    ("", "Pod"): POD,
    ("", "Service"): SERVICE,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): CUSTOM_RESOURCE_DEFINITION,
    ("apps", "DaemonSet"): DAEMON_SET,
    ("apps", "Deployment"): DEPLOYMENT,
    ("apps", "StatefulSet"): STATEFUL_SET,
    ("batch", "Job"): JOB,
    ("networking.k8s.io", "Ingress"): INGRESS,
}

# Kinds without a rule are ready when accepted; how long one may take to go away is upstream's `timeoutSeconds` in
# Deletion of provider/pkg/await/await.go.
OTHER_KIND_DELETION = 300.0

# Upstream honours skipAwait on deletion for these only (allowsSkipAwaitWithDelete in provider/pkg/metadata), since a
# replacement of the same name must not start while the former object is still there.
SKIPS_DELETION = frozenset(
    {
        ("", "Namespace"),
        ("", "Pod"),
        ("", "ReplicationController"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("batch", "Job"),
    }
)


def rule_of(obj: Object) -> Rule | None:
    """Return how the object becomes ready, or None for a kind that is ready when accepted."""
    return RULES.get((api_group(obj), str(obj.get("kind"))))


def default_timeout(kind: str, operation: Operation) -> float:
    """Return how many seconds an operation on a built-in kind may take where nobody says otherwise."""
    rule = next((rule for (_, name), rule in RULES.items() if name == kind), None)
    if operation == "delete":
        return rule.delete_timeout if rule else OTHER_KIND_DELETION
    return rule.timeout if rule else 0.0


def timeout_for(obj: Object, operation: Operation, custom: float | None = None) -> float:
    """Return how many seconds the operation may take.

    As upstream (TimeoutDuration in provider/pkg/metadata): the resource option `customTimeouts` wins, then the
    annotation `pulumi.com/timeoutSeconds`, then the default; a custom timeout of 0 is none, and an annotation that is
    no whole number is passed over. `obj` are the declared inputs, since annotations there are the user's word.
    """
    if custom:
        return custom
    said = str(annotation(obj, "pulumi.com/timeoutSeconds"))
    if said.isdecimal():
        return float(said)
    rule = rule_of(obj)
    if operation == "delete":
        return rule.delete_timeout if rule else OTHER_KIND_DELETION
    return rule.timeout if rule else 0.0


def awaits(obj: Object, operation: Operation = "create") -> bool:
    """Tell whether to wait for the object: not when it is annotated `pulumi.com/skipAwait: "true"`."""
    if str(annotation(obj, "pulumi.com/skipAwait")) != "true":
        return True
    return operation == "delete" and (api_group(obj), str(obj.get("kind"))) not in SKIPS_DELETION


def annotation(obj: Object, key: str) -> object:
    """Return an annotation's value, the empty text where there is none or where it is not known yet."""
    return dig(obj, "metadata", "annotations", key, default="")
