"""What a stack declares of a model, as far as the guard needs it: plain values, whoever wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from components.labels import SLOTS, SlotName
from components.slot_pods import Resources, pod_requests
from infra.guard.smoke import Smoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.model import Model, SlotContent

__all__ = ["DeclaredModel", "DeclaredSlot", "declare"]


@dataclass(frozen=True, kw_only=True)
class DeclaredSlot:
    """One slot's version.

    `image` (with its digest) and `content` (the hash in the Deployment's annotation) are None while an
    image is still to be built. `requests` is what one pod counts in a quota, by the quota's own names
    (`requests.cpu: 500m`); `pods` is counted without being named. `smoke` is None where it is off. `start_within`
    is how many seconds a pod may take to start.
    """

    version: str
    image: str | None = None
    content: str | None = None
    requests: Mapping[str, str] = field(default_factory=dict)
    smoke: Smoke | None = None
    start_within: int = 0


@dataclass(frozen=True, kw_only=True)
class DeclaredModel:
    """A model with its switch. An empty slot is absent from `slots`.

    `soak` is how long a switch holds both slots at the switch's size. `quota` is the team's declared
    quota, which counts in place of the live one because the same plan may change it.
    """

    name: str
    namespace: str
    active: SlotName
    minimum: int
    maximum: int
    soak: timedelta
    slots: Mapping[SlotName, DeclaredSlot]
    quota: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> DeclaredSlot | None:
        """The version that is to serve, or None when the active slot is empty."""
        return self.slots.get(self.active)

    def knowing(self, *, images: Mapping[str, str | None], contents: Mapping[str, str | None]) -> DeclaredModel:
        """Fill in what has become known of the slots since."""
        slots = {
            name: replace(
                slot,
                image=slot.image if images.get(name) is None else images[name],
                content=slot.content if contents.get(name) is None else contents[name],
            )
            for name, slot in self.slots.items()
        }
        return replace(self, slots=slots)


def declare(
    name: str,
    model: Model,
    *,
    namespace: str,
    quota: Mapping[str, str],
    smoke: bool,
    images: Mapping[str, str],
) -> DeclaredModel:
    """Take from a model's settings what the guard needs.

    `images` is by slot, without those still to be built; `quota` is the team's; `smoke` is `guard.smoke`.
    """
    slots: dict[SlotName, DeclaredSlot] = {}
    for slot in SLOTS:
        if (content := model.content(slot)) is not None:
            slots[slot] = DeclaredSlot(
                version=content.version,
                image=images.get(slot),
                requests=_requests(content),
                smoke=_smoke(content) if smoke else None,
                start_within=content.probes.start.within,
            )
    return DeclaredModel(
        name=name,
        namespace=namespace,
        active=model.active,
        minimum=model.scale.min,
        maximum=model.scale.max,
        soak=timedelta(seconds=model.idle.soak),
        slots=slots,
        quota=quota,
    )


def _requests(content: SlotContent) -> dict[str, str]:
    needs = content.resources
    requests = pod_requests(Resources(cpu=needs.cpu, memory=needs.memory, gpu=needs.gpu))
    # A quota may call the same things by their short names.
    return {**requests, "cpu": needs.cpu, "memory": needs.memory}


def _smoke(content: SlotContent) -> Smoke:
    smoke = content.smoke
    return Smoke(
        path=smoke.path or "/",
        body=smoke.body,
        status=smoke.expect.status,
        json=smoke.expect.json_,
        within=float(smoke.within),
    ).for_version(content.version)
