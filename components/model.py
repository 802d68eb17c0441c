from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pulumi

from components.hooks import Hook, guarded
from components.labels import (
    ACTIVE,
    PATCH_FORCE,
    SKIP_AWAIT,
    SLOTS,
    SlotName,
    model_selector,
    owner_labels,
    slot_selector,
)
from components.manifest import Manifest
from components.model_slot import Floor, ModelSlot, ModelSlotArgs, Scale
from components.workload import service_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.shares import Shares
    from components.slot_pods import SlotContent

__all__ = ["Model", "ModelArgs"]


@dataclass(frozen=True, kw_only=True)
class ModelArgs:
    """A model of one team: what its slots hold and which of them serves.

    Raises ValueError when the active slot is empty: its Service would answer nobody; or when both slots are to share
    the traffic and one of them is empty.
    """

    model: str
    team: str
    environment: str
    namespace: str
    scale: Scale
    slots: Mapping[SlotName, SlotContent | None]
    active: SlotName

    floors: Mapping[SlotName, Floor] = field(default_factory=dict)
    """The least sizes that a switch under way asks for; absent for a slot that only keeps to `scale`."""

    shares: Shares | None = None
    """How many pods each slot runs, to share the traffic by their numbers: a canary without a gateway. None sends all
    of it to the active slot."""

    identity: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its ServiceAccount, by which a cloud knows it."""

    gate: Hook | None = None
    """Asked before the routing Service is created or changed; None lets everything pass."""

    guards: Mapping[SlotName, Hook] = field(default_factory=dict)
    """Asked before a slot's Deployment is changed: during a switch, the one that serves is to stay as it is."""

    def __post_init__(self) -> None:
        if self.slots.get(self.active) is None:
            raise ValueError(f"{self.model}: active slot {self.active} is empty")
        if self.shares is not None and None in [self.slots.get(slot) for slot in SLOTS]:
            raise ValueError(f"{self.model}: no canary without a version in each slot")


class Model(pulumi.ComponentResource):
    """A model that serves from one of two slots.

    Both slots stand side by side under fixed names, and one Service names the one that serves. A switch changes the
    selector of that Service, and the floors of the autoscalers around it; never a pod template. Nothing that a slot
    is made of depends on `active` or on the other slot.

    While they share the traffic, the Service names the model alone, and each autoscaler is held at one size: kube-proxy
    and gateways pick one pod as often as another, so the numbers of pods are the shares, for as long as they stay.
    """

    slots: Mapping[SlotName, ModelSlot]

    routed: pulumi.Output[str]
    """The routing Service's id, known once it stands as declared: what must come after a switch builds on it."""

    def __init__(self, name: str, args: ModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # The way back from a model without slots; see RollingModel.
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="mlplatform:index:RollingModel")])
        opts = pulumi.ResourceOptions.merge(former, opts)
        super().__init__("mlplatform:index:Model", name, {"model": args.model, "active": args.active}, opts)
        self._args = args
        self._labels = owner_labels(team=args.team, environment=args.environment, name=args.model)
        self._child = pulumi.ResourceOptions(parent=self)
        account = self._create_service_account()
        self.slots = {slot: self._create_slot(slot, account) for slot in SLOTS}
        self.routed = self._create_routing_service().id
        self.register_outputs({"active": args.active})

    def _create_service_account(self) -> Manifest:
        """Declare the identity of the model's pods: one a model, so that a cloud's permissions can be told apart."""
        metadata: dict[str, Any] = {
            "name": self._args.model,
            "namespace": self._args.namespace,
            "labels": self._labels,
        }
        if self._args.identity:
            metadata["annotations"] = dict(self._args.identity)
        return Manifest(
            "v1:ServiceAccount",
            f"{self._args.namespace}/{self._args.model}",
            {"metadata": metadata, "automountServiceAccountToken": False},
            self._child,
        )

    def _create_slot(self, slot: SlotName, account: Manifest) -> ModelSlot:
        args = self._args
        scale, floor = args.scale, args.floors.get(slot)
        if args.shares is not None:
            size = args.shares.active if slot == args.active else args.shares.canary
            scale = replace(scale, min=size, max=size)
            floor = None if floor is None else replace(floor, min_replicas=size)
        return ModelSlot(
            f"{args.namespace}/{args.model}-{slot}",
            ModelSlotArgs(
                model=args.model,
                slot=slot,
                namespace=args.namespace,
                labels=self._labels,
                service_account=args.model,
                scale=scale,
                content=args.slots.get(slot),
                floor=floor,
                guard=args.guards.get(slot),
            ),
            # No pod is admitted before its ServiceAccount is there.
            pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )

    def _create_routing_service(self) -> Manifest:
        """Declare the one object that a switch changes, behind the gate and after both slots."""
        args = self._args
        selector = slot_selector(args.model, args.active) if args.shares is None else model_selector(args.model)
        # Where the selector no longer tells which slot is the active one, it is written beside it.
        active = {} if args.shares is None else {ACTIVE: args.active}
        metadata = {
            "name": args.model,
            "namespace": args.namespace,
            "labels": self._labels,
            # The gate has seen the target ready and answering a moment before, and the program compares the live
            # selector after; the provider's own wait would add 10 s between the two and accept an empty Service.
            "annotations": {SKIP_AWAIT: "true", PATCH_FORCE: "true", **active},
        }
        opts = pulumi.ResourceOptions(
            depends_on=[*self.slots.values()],
            hooks=guarded(f"gate:{args.namespace}/{args.model}", args.gate, creation=True),
        )
        return Manifest(
            "v1:Service",
            f"{args.namespace}/{args.model}",
            {"metadata": metadata, "spec": service_spec(selector)},
            pulumi.ResourceOptions.merge(self._child, opts),
        )
