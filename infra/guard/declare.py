"""From a model's settings to what the guard needs of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from components.labels import SLOTS, SlotName
from components.slot_pods import Resources, pod_requests
from infra.guard.catalogue import catalogue
from infra.guard.declared import DeclaredModel, DeclaredSlot
from infra.guard.smoke import Smoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.model import Model, SlotContent

__all__ = ["declare"]


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

    `images` is by version, without those still to be built; `quota` is the team's; `smoke` is `guard.smoke`.
    """
    slots: dict[SlotName, DeclaredSlot] = {}
    for slot in SLOTS:
        if (content := model.content(slot)) is not None:
            slots[slot] = DeclaredSlot(
                version=content.version,
                image=images.get(content.version),
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
        idle=model.idle.size,
        catalogue=catalogue(model.versions, images),
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
