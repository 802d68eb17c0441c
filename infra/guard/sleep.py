"""When the slot that does not serve is put to zero, and when it is woken again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.guard.canary import shrinks
from infra.guard.floors import switching

if TYPE_CHECKING:
    from components.autoscaler import Floor
    from components.labels import Place
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import ModelSeen, SlotSeen

__all__ = ["left", "sleeping", "unproven", "waking"]


def sleeping(model: DeclaredModel, slot: Place, seen: ModelSeen, floor: Floor) -> bool:
    """Whether a slot is to be at zero when this run ends: cold, serving nobody, held by nothing.

    Never in the run that switches: a soak of zero seconds is no reason to take the way back from under a switch.
    """
    return model.sleeps(slot) and floor.hold is None and not switching(model, seen)


def waking(model: DeclaredModel, slot: Place, seen: ModelSeen) -> bool:
    """Whether a slot that the guard has put to zero is to run again though nobody switches to it.

    Its autoscaler is off at zero. One that a person has scaled to zero is left as it is.
    """
    live = seen.at(slot)
    asleep = live.exists and live.desired == 0 and live.started is not None
    return asleep and not model.sleeps(slot) and not switching(model, seen)


def left(model: DeclaredModel, place: Place, seen: ModelSeen) -> bool:
    """Whether this run takes requests away from a place and gives it nothing else to run: the way back from a bad one.

    It ends well however broken the place is; the next run that has nothing more urgent to do says so again.
    """
    declared, live = model.slots[place], seen.at(place)
    changed = declared.content is not None and declared.content != live.content
    if model.rollout is not None or place == model.active or changed:
        return False
    return (switching(model, seen) and seen.routing == place) or shrinks(model, seen)


def unproven(declared: DeclaredSlot, seen: SlotSeen) -> bool:
    """Whether a slot has never shown that it runs what is declared."""
    changed = declared.content is not None and declared.content != seen.content
    return changed or not seen.exists
