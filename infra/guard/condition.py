"""How a live place compares with what is declared for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.labels import slot_name
from infra.guard.images import same_image
from infra.observed.state import ReasonKind

if TYPE_CHECKING:
    from components.labels import Place
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import ModelSeen, Reason, SlotSeen

__all__ = ["changed_by_hand", "hopeless", "known_wrong", "runs_declared"]


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


def known_wrong(model: DeclaredModel, place: Place, seen: ModelSeen) -> list[str]:
    """Find what at a place is wrong already, stays so by this plan, and waiting cannot cure."""
    declared, live, name = model.slots[place], seen.at(place), slot_name(model.name, place)
    if changed_by_hand(declared, live):
        other = f"{name} runs image {live.image}, which another hand put in place of {declared.image}"
        return [f"{other}: run `pulumi refresh`, then `pulumi up`, before the switch"]
    if runs_declared(declared, live) and (reason := hopeless(live)) is not None:
        return [f"{name} already is version {declared.version} and does not run: {reason.text}"]
    return []
