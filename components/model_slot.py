from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.autoscaler import Floor, Scale
from components.labels import PATCH_FORCE, SKIP_AWAIT, SlotName, slot_name, slot_selector
from components.manifest import Manifest
from components.rollout_strategy import Rollout
from components.workload import Workload, declare_workload, service_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.hooks import Hook
    from components.slot_pods import SlotContent

__all__ = ["Floor", "ModelSlot", "ModelSlotArgs", "Scale"]


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
        self._labels = {**args.labels, **slot_selector(args.model, args.slot)}
        self.image = None
        self.content = None
        self._create_service()
        if args.content is not None:
            self.image = pulumi.Output.from_input(args.content.image)
            self.content = self._create_workload(args.content)
        self.register_outputs({"image": self.image, "content": self.content})

    def _create_service(self) -> None:
        """Declare the slot's own address. It bears no version: it never changes, whatever the slot holds."""
        args, name = self._args, slot_name(self._args.model, self._args.slot)
        metadata = {
            "name": name,
            "namespace": args.namespace,
            "labels": self._labels,
            # An empty or sleeping slot has no endpoints to wait for, and where there are some, the provider's waiter
            # sleeps 10 s after each change. Whether the slot answers is the guard's question, asked at the switch.
            "annotations": {PATCH_FORCE: "true", SKIP_AWAIT: "true"},
        }
        Manifest(
            "v1:Service",
            f"{args.namespace}/{name}",
            {"metadata": metadata, "spec": service_spec(slot_selector(args.model, args.slot))},
            pulumi.ResourceOptions(parent=self),
        )

    def _create_workload(self, content: SlotContent) -> pulumi.Output[str]:
        args = self._args
        return declare_workload(
            Workload(
                model=args.model,
                place=args.slot,
                namespace=args.namespace,
                labels=self._labels,
                service_account=args.service_account,
                scale=args.scale,
                content=content,
                floor=args.floor,
                # A slot is replaced pod by pod, whatever it holds; the switch is what a model with slots rolls out by.
                rollout=Rollout(),
                guard=args.guard,
            ),
            self,
        ).content
