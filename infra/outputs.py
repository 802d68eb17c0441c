"""What a stack tells others about its models: `pulumi stack output models`, a ledger of what serves and has served."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.labels import Place
    from infra.guard import DeclaredModel, Ledger
    from infra.settings import Model

__all__ = ["model_outputs"]


def model_outputs(
    model: Model,
    plan: DeclaredModel,
    *,
    ledger: Ledger,
    healthy: pulumi.Input[Mapping[str, str | None]],
    images: Mapping[str, pulumi.Input[str]],
    slots: Mapping[Place, Mapping[str, pulumi.Output[str]]],
    url: str | None,
) -> dict[str, Any]:
    """Give what others need of a model: scripts, `make up`'s table, an auditor.

    `images` is by version; `slots` has each filled slot's `image` and `content`; `healthy` since when each has had
    enough ready pods, as last seen; `url` is the way in from outside, None where there is none.
    """
    # Without the cluster's domain, which clusters may choose: pods find it by this name in any of them.
    service = f"{plan.name}.{plan.namespace}.svc"
    known = pulumi.Output.from_input(healthy)
    shown = {}
    for slot, held in slots.items():
        version = plan.slots[slot].version
        record = ledger.values().get(version)
        shown[slot] = {
            "version": version,
            "image": held["image"],
            "content": held["content"],
            "since": None if record is None else record["since"],
            "healthy": known.apply(partial(_of, slot)),
            "uri": model.content_of(version).uri,
        }
    return {
        "team": model.team,
        "namespace": plan.namespace,
        "strategy": model.strategy,
        "active": plan.active,
        "slots": shown,
        "service": service,
        "url": f"http://{service}/" if url is None else url,
        "served": {
            version: {**values, "image": images.get(version) if values["image"] is None else values["image"]}
            for version, values in ledger.values().items()
        },
    }


def _of(slot: str, seen: Mapping[str, str | None]) -> str | None:
    return seen.get(slot)


def kept(error: Exception) -> pulumi.Output[None]:
    """Give an output that cannot be had, so that none of this run's are registered and the former ones stay."""

    async def never() -> None:
        raise error

    return pulumi.Output.from_input(never())
