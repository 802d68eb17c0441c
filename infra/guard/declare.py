"""From a model's settings to what the guard needs of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from components.labels import ONLY, SLOTS, Place
from components.slot_content import Resources
from components.slot_pods import pod_requests
from infra.guard.canary import DeclaredCanary
from infra.guard.catalogue import catalogue
from infra.guard.declared import DeclaredModel, DeclaredRollout, DeclaredSlot
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
    quotas: Mapping[str, Mapping[str, str]],
    priority_class: str | None,
    smoke: bool,
    images: Mapping[str, str],
    weighed: bool,
) -> DeclaredModel:
    """Take from a model's settings what the guard needs.

    `images` is by version, without those still to be built; `quotas` by name are those that count its pods, and
    `priority_class` the pods' class; `smoke` is `guard.smoke`; `weighed` says whether a gateway can share this model's
    requests out.
    """
    slotted = model.strategy == "blue-green"
    versions: dict[Place, str] = {} if slotted else {ONLY: model.serving}
    if slotted:
        versions = {slot: version for slot in SLOTS if (version := model.slots.version(slot)) is not None}
    return DeclaredModel(
        name=name,
        namespace=namespace,
        active=model.active if slotted else ONLY,
        minimum=model.scale.min,
        maximum=model.scale.max,
        soak=timedelta(seconds=model.idle.soak),
        slots={place: _slot(model, version, images, smoke=smoke) for place, version in versions.items()},
        idle=model.idle.size,
        canary=_canary(model, weighed=weighed),
        rollout=None if slotted else _rollout(model),
        catalogue=catalogue(model.versions, images),
        quotas=quotas,
        priority_class=priority_class,
    )


def _slot(model: Model, version: str, images: Mapping[str, str], *, smoke: bool) -> DeclaredSlot:
    content = model.content_of(version)
    return DeclaredSlot(
        version=version,
        image=images.get(version),
        requests=_requests(content),
        smoke=_smoke(content) if smoke else None,
        start_within=content.probes.start.within,
    )


def _canary(model: Model, *, weighed: bool) -> DeclaredCanary | None:
    if model.canary is None:
        return None
    return DeclaredCanary(
        percent=model.canary.percent,
        headers=model.canary.match.headers,
        mirror=model.canary.mirror,
        host=model.route.host if model.route is not None and weighed else None,
    )


def _rollout(model: Model) -> DeclaredRollout:
    return DeclaredRollout(
        recreate=model.strategy == "recreate",
        surge=model.rollout.max_surge,
        unavailable=model.rollout.max_unavailable,
        deadline=model.rollout.progress_deadline_seconds,
    )


def _requests(content: SlotContent) -> dict[str, str]:
    needs = content.resources
    requests = pod_requests(Resources(cpu=needs.cpu, memory=needs.memory, gpu=needs.gpu, cpu_limit=needs.cpu_limit))
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
