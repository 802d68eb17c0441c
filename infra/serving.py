"""How one model is declared: by its strategy, behind its guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.labels import ONLY, SLOTS, Place
from components.model import Model, ModelArgs
from components.rolling_model import RollingModel, RollingModelArgs
from infra.contents import rollout, scale, slot_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.slot_content import SlotContent
    from infra.guard import DeclaredModel, Gate, Guard
    from infra.settings import Model as ModelSettings
    from infra.settings import Settings

__all__ = ["Declaring", "Served"]


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model as declared: `slots` has `image` and `content` of each place that holds a version."""

    component: pulumi.ComponentResource
    slots: Mapping[Place, Mapping[str, pulumi.Output[str]]]

    routed: pulumi.Output[str]
    """The routing Service's id, known once it stands as declared."""


@dataclass(frozen=True)
class Declaring:
    """One run's way to declare models; `secrets` has the value of each name in the settings' `secrets`."""

    settings: Settings
    secrets: Mapping[str, str]
    guard: Guard

    def model(
        self, plan: DeclaredModel, images: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> Served:
        """Declare one model; `images` is by version."""
        gate = self.guard.gate(plan)
        served = (self._slotted if plan.rollout is None else self._replaced)(plan, gate, images, opts)
        gate.declare(
            images={place: held["image"] for place, held in served.slots.items()},
            contents={place: held["content"] for place, held in served.slots.items()},
        )
        return served

    def _slotted(
        self, plan: DeclaredModel, gate: Gate, images: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> Served:
        model, floors = self.settings.models[plan.name], self.guard.floors(plan, images)
        versions = {slot: model.slots.version(slot) for slot in SLOTS}
        declared = Model(
            plan.name,
            ModelArgs(
                **self._common(plan, gate),
                slots={
                    slot: self._content(model, version, images) if version else None
                    for slot, version in versions.items()
                },
                active=model.active,
                floors={slot: floors[slot] for slot in SLOTS},
                shares=self.guard.shares(plan),
                guards={slot: hook for slot in SLOTS if (hook := self.guard.keep(plan, slot)) is not None},
            ),
            opts,
        )
        held = {slot: (one.image, one.content) for slot, one in declared.slots.items()}
        slots: dict[Place, dict[str, pulumi.Output[str]]] = {
            slot: {"image": image, "content": content}
            for slot, (image, content) in held.items()
            if image is not None and content is not None
        }
        return Served(component=declared, slots=slots, routed=declared.routed)

    def _replaced(
        self, plan: DeclaredModel, gate: Gate, images: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> Served:
        model = self.settings.models[plan.name]
        declared = RollingModel(
            plan.name,
            RollingModelArgs(
                **self._common(plan, gate),
                content=self._content(model, model.serving, images),
                rollout=rollout(model),
                floor=self.guard.floors(plan, images)[ONLY],
                guard=self.guard.keep(plan, ONLY),
            ),
            opts,
        )
        held = {"image": declared.image, "content": declared.content}
        return Served(component=declared, slots={ONLY: held}, routed=declared.routed)

    def _content(self, model: ModelSettings, version: str, images: Mapping[str, pulumi.Input[str]]) -> SlotContent:
        environment = self.settings.environment
        return slot_content(model, version, images=images, secrets=self.secrets, environment=environment)

    def _common(self, plan: DeclaredModel, gate: Gate) -> dict[str, Any]:
        model = self.settings.models[plan.name]
        return {
            "model": plan.name,
            "team": model.team,
            "identity": model.identity,
            "environment": self.settings.environment,
            "namespace": plan.namespace,
            "scale": scale(model.scale),
            "gate": gate,
        }
