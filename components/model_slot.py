from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.hooks import Hook, guarded
from components.labels import (
    CONTENT,
    HOLD,
    PATCH_FORCE,
    SERVED_PORT,
    SKIP_AWAIT,
    VERSION,
    SlotName,
    slot_name,
    slot_selector,
)
from components.manifest import Manifest
from components.slot_pods import SlotContent, content_hash, pod_template, rollout_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Floor", "ModelSlot", "ModelSlotArgs", "Scale"]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How far a slot's autoscaler may go. Raises ValueError for bounds that no autoscaler takes."""

    min: int
    max: int
    cpu: int
    """The mean use of CPU to keep to, in percent of what the pods request."""

    def __post_init__(self) -> None:
        if self.min < 1:
            # The API server refuses 0 unless a feature gate and an external metric are there; and an autoscaler
            # whose target stands at zero is off.
            raise ValueError(f"scale.min: {self.min} is below 1")
        if self.max < self.min:
            raise ValueError(f"scale.max: {self.max} is below scale.min: {self.min}")


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The least number of pods of a slot, when a switch asks for more than `scale.min`."""

    min_replicas: int

    hold: str | None = None
    """Why and for how long, as in `4 until 2026-03-01T12:00:00Z`; None when nothing is held."""


@dataclass(frozen=True, kw_only=True)
class ModelSlotArgs:
    """One slot of a model: what runs there and how many of it."""

    model: str
    slot: SlotName
    namespace: str
    labels: Mapping[str, str]
    """Whose it is: the labels of every object of the model."""

    service_account: str
    scale: Scale
    content: SlotContent | None
    """What runs there; None for an empty slot."""

    floor: Floor | None = None

    guard: Hook | None = None
    """Asked before the slot's Deployment is changed."""


class ModelSlot(pulumi.ComponentResource):
    """One of a model's two slots, complete in itself: it can be looked at, asked and scaled without the other.

    Its Service is there whatever the slot holds, so that its name never comes or goes. An empty slot has no
    Deployment, autoscaler or disruption budget: there is no image to name in one, and a Deployment kept at zero
    would claim a version that nobody declared.
    """

    image: pulumi.Output[str] | None
    """The image that the slot's pods run, with its digest; None for an empty slot."""

    content: pulumi.Output[str] | None
    """The hash over everything that defines the slot's pods; None for an empty slot."""

    def __init__(self, name: str, args: ModelSlotArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ModelSlot", name, {"slot": args.slot}, opts)
        self._args = args
        self._name = slot_name(args.model, args.slot)
        self._selector = slot_selector(args.model, args.slot)
        self._labels = {**args.labels, **self._selector}
        self._child = pulumi.ResourceOptions(parent=self)
        self.image = None
        self.content = None
        self._create_service()
        if args.content is not None:
            self.image = pulumi.Output.from_input(args.content.image)
            self.content = self._create_deployment(args.content)
            self._create_autoscaler(args.content)
            self._create_disruption_budget(args.content)
        self.register_outputs({"image": self.image, "content": self.content})

    def _object(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        version: str | None = None,
        annotations: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> Manifest:
        metadata: dict[str, Any] = {
            "name": self._name,
            "namespace": self._args.namespace,
            "labels": self._labels if version is None else {**self._labels, VERSION: version},
            "annotations": {PATCH_FORCE: "true", **annotations},
        }
        opts = pulumi.ResourceOptions.merge(self._child, opts)
        return Manifest(kind, f"{self._args.namespace}/{self._name}", {"metadata": metadata, **body}, opts)

    def _create_service(self) -> None:
        """Declare the slot's own address. It bears no version: it never changes, whatever the slot holds."""
        self._object(
            "v1:Service",
            {
                "spec": {
                    "selector": dict(self._selector),
                    "ports": [{"name": SERVED_PORT, "port": 80, "targetPort": SERVED_PORT, "protocol": "TCP"}],
                }
            },
            # An empty or sleeping slot has no endpoints to wait for, and where there are some, the provider's waiter
            # sleeps 10 s after each change. Whether the slot answers is the guard's question, asked at the switch.
            annotations={SKIP_AWAIT: "true"},
        )

    def _create_deployment(self, content: SlotContent) -> pulumi.Output[str]:
        template = pod_template(
            content,
            labels={**self._labels, VERSION: content.version},
            selector=self._selector,
            service_account=self._args.service_account,
            secret=self._create_secret(content),
        )
        digest = content_hash(template)
        self._object(
            "apps/v1:Deployment",
            {
                "spec": {
                    # No replicas here: the autoscaler owns the field. Declared, each `up` would set it back or
                    # conflict with the autoscaler (pulumi-kubernetes#2491).
                    "selector": {"matchLabels": dict(self._selector)},
                    "strategy": {
                        "type": "RollingUpdate",
                        # A pod goes only when its successor is ready: the slot never carries less than it did.
                        # The surge is Kubernetes' own default, rounded up, so one pod goes first in a small slot.
                        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
                    },
                    "progressDeadlineSeconds": rollout_deadline(content),
                    # Going back is the other slot, not `kubectl rollout undo`: two former templates are kept for
                    # whoever asks what ran before, in place of ten.
                    "revisionHistoryLimit": 2,
                    "template": template,
                }
            },
            version=content.version,
            # The guard waits for slots, for the target before the switch and for every other that changed after it: it
            # ends within seconds where a version cannot run, while the provider waits out its ten minutes.
            annotations={CONTENT: digest, SKIP_AWAIT: "true"},
            opts=pulumi.ResourceOptions(
                hooks=guarded(f"slot:{self._args.namespace}/{self._name}", self._args.guard, creation=False)
            ),
        )
        return pulumi.Output.from_input(digest)

    def _create_secret(self, content: SlotContent) -> pulumi.Output[str] | None:
        """Declare the slot's secret values and return the Secret's name; None when there are none.

        The name is left to the provider, which gives a new one whenever a value changes: pods are rolled onto the
        new values like onto any other change of their template, and those under way keep the former ones until the
        last has gone. A slot has a Secret of its own, because a slot never changes when the other does.
        """
        if not content.secret_env:
            return None
        secret = Manifest(
            "v1:Secret",
            # No slash, since the object's name is made from this one.
            f"{self._args.namespace}-{self._name}",
            {
                "metadata": {"namespace": self._args.namespace, "labels": self._labels},
                "type": "Opaque",
                "stringData": {key: pulumi.Output.secret(value) for key, value in sorted(content.secret_env.items())},
            },
            pulumi.ResourceOptions(parent=self, additional_secret_outputs=["data", "stringData"]),
        )
        return secret.object_name

    def _create_autoscaler(self, content: SlotContent) -> None:
        scale, floor = self._args.scale, self._args.floor
        least = scale.min
        annotations: dict[str, pulumi.Input[str]] = {}
        if floor is not None:
            # A floor above scale.max is no valid autoscaler: whoever lowers the maximum while a hold lasts gets it.
            least = min(max(scale.min, floor.min_replicas), scale.max)
            if floor.hold is not None:
                annotations[HOLD] = floor.hold
        metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": scale.cpu}}
        self._object(
            "autoscaling/v2:HorizontalPodAutoscaler",
            {
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self._name},
                    "minReplicas": least,
                    "maxReplicas": scale.max,
                    "metrics": [{"type": "Resource", "resource": metric}],
                }
            },
            version=content.version,
            annotations=annotations,
        )

    def _create_disruption_budget(self, content: SlotContent) -> None:
        self._object(
            "policy/v1:PodDisruptionBudget",
            {
                "spec": {
                    "selector": {"matchLabels": dict(self._selector)},
                    # One at a time, and always one: `minAvailable` would stop every node's drain for ever at a
                    # slot of one pod, which is what the cluster's own upgrades run into.
                    "maxUnavailable": 1,
                    # A pod that is broken anyway never holds up a drain.
                    "unhealthyPodEvictionPolicy": "AlwaysAllow",
                }
            },
            version=content.version,
            annotations={},
        )
