from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.labels import ENVIRONMENT, MANAGED_BY
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SparedPods", "SparedPodsArgs"]

_GROUP = "admissionregistration.k8s.io/v1"


@dataclass(frozen=True, kw_only=True)
class SparedPodsArgs:
    """Which pods an autoscaler leaves where they are. Raises ValueError without any kind of owner."""

    environment: str
    owners: Sequence[str]
    """Kinds of controllers whose pods are meant, such as Job."""
    annotation: str
    value: str

    def __post_init__(self) -> None:
        if not self.owners:
            raise ValueError("spared pods: no owners")


class SparedPods(pulumi.ComponentResource):
    """The API server marks what must end by itself: training in Jobs, and pods with a state of their own.

    A mark that is there already stays, whatever it says. Needs Kubernetes 1.36, where the API server itself can change
    what it takes in.
    """

    def __init__(self, name: str, args: SparedPodsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:SparedPods", name, {"owners": list(args.owners)}, opts)
        self._own = pulumi.ResourceOptions(parent=self)
        called = f"spared-pods-{args.environment}"
        metadata = {"name": called, "labels": {MANAGED_BY: "pulumi", ENVIRONMENT: args.environment}}
        ours = {"namespaceSelector": {"matchLabels": {ENVIRONMENT: args.environment}}}
        pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        owners = json.dumps(list(args.owners))
        mark = json.dumps(args.annotation)
        marked = f"{{{mark}: {json.dumps(args.value)}}}"
        spec = {
            "matchConstraints": {**ours, "resourceRules": [pods]},
            "matchConditions": [
                {
                    "name": "must-end-by-itself",
                    "expression": "object.metadata.?ownerReferences.orValue([])"
                    f".exists(owner, owner.?controller.orValue(false) && owner.kind in {owners})",
                },
                {"name": "not-marked-yet", "expression": f"!({mark} in object.metadata.?annotations.orValue({{}}))"},
            ],
            # A pod is worth more than its mark.
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {
                        "expression": f"Object{{metadata: Object.metadata{{annotations: {marked}}}}}"
                    },
                }
            ],
        }
        policy = Manifest(f"{_GROUP}:MutatingAdmissionPolicy", called, {"metadata": metadata, "spec": spec}, self._own)
        Manifest(
            f"{_GROUP}:MutatingAdmissionPolicyBinding",
            called,
            {"metadata": metadata, "spec": {"policyName": called}},
            pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(depends_on=[policy])),
        )
        self.register_outputs({})
