"""What of a plan is refused before anything is touched.

Pure. A refusal names only what this plan leaves as it is and waiting cannot cure; everything that only
an `up` can know is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.guard.catalogue import catalogue_changes
from infra.guard.floors import moving
from infra.guard.images import same_image
from infra.guard.ledger import known
from infra.guard.quota import quota_shortfalls
from infra.observed.state import ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import ModelSeen, Observed, Reason, SlotSeen

__all__ = [
    "Refusal",
    "changed_by_hand",
    "hopeless",
    "refusals",
    "runs_declared",
    "switch_refusals",
    "together",
]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a plan cannot be carried out: what is missing, and what to do about it."""

    model: str
    text: str

    def __str__(self) -> str:
        return f"{self.model}: {self.text}"


def changed_by_hand(slot: DeclaredSlot, seen: SlotSeen) -> bool:
    """Whether the live template has another image than the one declared with its content hash.

    The hash is written with the template, so the two differ only when another hand changed the template.
    """
    return (
        slot.image is not None
        and seen.image is not None
        and slot.content == seen.content
        and not same_image(slot.image, seen.image)
    )


def runs_declared(slot: DeclaredSlot, seen: SlotSeen) -> bool:
    """Whether the live slot already is what is declared, so that this plan will not change it."""
    return seen.exists and slot.content is not None and slot.content == seen.content


def hopeless(seen: SlotSeen) -> Reason | None:
    """Give the reason for which waiting cannot make a slot ready.

    Not one ready pod of the newest template, and one that keeps crashing or whose image cannot be had. Once is
    no proof of either: a first start may lose a race, a registry may hiccup. The kubelet's back-off is the proof.
    """
    if any(pod.ready for pod in seen.newest):
        return None
    again = (reason for pod in seen.newest for reason in pod.reasons if reason.count > 1)
    return next((reason for reason in again if reason.kind in (ReasonKind.CRASH, ReasonKind.IMAGE)), None)


def refusals(models: Iterable[DeclaredModel], observed: Observed, now: datetime) -> list[Refusal]:
    """Find every model whose switch cannot succeed whatever one waits for."""
    declared = list(models)
    found: list[Refusal] = []
    for model in declared:
        if model.target is None:
            found.append(
                Refusal(
                    model=model.name,
                    text=f"active is {model.active}, but slot {model.active} has no version: "
                    f"name one in models.{model.name}.slots.{model.active}",
                )
            )
        elif observed.unreachable is None:
            seen = observed.model(model.name)
            texts = catalogue_changes(model, known(seen)) + switch_refusals(model, seen)
            found += [Refusal(model=model.name, text=text) for text in texts]
    if observed.unreachable is None:
        shortfalls = quota_shortfalls(declared, observed, now)
        found += [Refusal(model=name, text=text) for name, text in shortfalls.items()]
    return found


def switch_refusals(model: DeclaredModel, seen: ModelSeen) -> list[str]:
    """Find what in a model's own slots makes its switch, or its first deployment, impossible."""
    target = model.target
    if target is None or not moving(model, seen):
        return []
    found: list[str] = []
    name, live, serving = f"{model.name}-{model.active}", seen.slots[model.active], seen.routing
    if serving is not None and serving in model.slots:
        declared, running = model.slots[serving].content, seen.slots[serving].content
        if declared is not None and running is not None and declared != running:
            found.append(together(serving, model.active))
    if changed_by_hand(target, live):
        found.append(
            f"{name} runs image {live.image}, which another hand put in place of {target.image}: "
            f"run `pulumi refresh`, then `pulumi up`, before the switch"
        )
    elif runs_declared(target, live) and (reason := hopeless(live)) is not None:
        found.append(f"{name} already is version {target.version} and does not run: {reason.text}")
    return found


def together(serving: str, target: str) -> str:
    """Say why a switch cannot come with a change of the slot that serves."""
    return (
        f"slot {serving}, which serves now, would change together with the switch to {target}, and there would be "
        f"nothing to go back to: leave slot {serving} as it is and add a version instead"
    )
