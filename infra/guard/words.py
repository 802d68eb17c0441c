"""What an `up` will do about a model, in words, and what it will wait for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.labels import SLOTS, SlotName
from infra.guard.floors import Hold, floors, moving, switching
from infra.guard.plan import runs_declared
from infra.guard.sleep import sleeping, waking
from infra.guard.starts import estimate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from components.model_slot import Floor
    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen

__all__ = ["waits", "words"]


def words(model: DeclaredModel, seen: ModelSeen, now: datetime) -> list[str]:
    """Say what an `up` will do about the switch, in the order in which it does it."""
    slot, target = model.active, model.target
    if target is None:
        return []
    planned = floors(model, seen, now)
    size = planned[slot].min_replicas
    if not seen.service:
        return [f"{model.name}: {slot} 0 → {size} first, then 100 % to version {target.version} (first deployment)"]
    if not switching(model, seen):
        return [*_let_go(model, seen, planned, now), *_asleep(model, seen, planned)]
    live = seen.slots[slot]
    if live.ready >= size and runs_declared(target, live):
        how = f"{slot} runs {live.ready}, then 100 % to version {target.version}: warm (seconds)"
    elif live.running >= size and not runs_declared(target, live):
        how = f"{slot} {live.running} replaced by version {target.version} first, then 100 % to it: {estimate(live)}"
    else:
        how = f"{slot} {live.running} → {size} first, then 100 % to version {target.version}: {estimate(live)}"
    hold = f"both slots keep at least {planned[slot].hold}" if planned[slot].hold else "no hold"
    return [f"{model.name}: {how}; {hold}"]


def waits(model: DeclaredModel, seen: ModelSeen, now: datetime) -> list[str]:
    """List what only the `up` can know about a switch, and will wait for."""
    target = model.target
    if target is None or not moving(model, seen):
        return []
    size = floors(model, seen, now)[model.active].min_replicas
    image = f" of {target.image}" if target.image is not None else ", of the image still to be built"
    listed = [f"{model.name}-{model.active}: {size} ready pods{image}"]
    if target.smoke is not None:
        listed.append(f"{model.name}-{model.active}: its answer to {target.smoke.method} {target.smoke.path}")
    return listed


def _let_go(model: DeclaredModel, seen: ModelSeen, planned: Mapping[SlotName, Floor], now: datetime) -> list[str]:
    over: list[str] = []
    for slot in SLOTS:
        live = seen.slots[slot]
        if live.hold is None or planned[slot].hold is not None:
            continue
        hold = Hold.parse(live.hold)
        why = f"the hold of {hold} is over" if hold and not hold.in_force(now) else f'"{live.hold}" is no hold'
        over.append(f"{model.name}: {slot}: {why}, its floor returns to {planned[slot].min_replicas}")
    return over


def _asleep(model: DeclaredModel, seen: ModelSeen, planned: Mapping[SlotName, Floor]) -> list[str]:
    """Say which slot is put to sleep or woken, neither of which the engine plans."""
    said: list[str] = []
    for slot in model.slots:
        live = seen.slots[slot]
        if sleeping(model, slot, seen, planned[slot]):
            proof = "" if live.exists and live.desired == 0 else f"{live.desired} → "
            if proof:
                said.append(f"{model.name}: {slot} {proof}0: idle.size is cold, so it sleeps once it has proved itself")
        elif waking(model, slot, seen):
            size = planned[slot].min_replicas
            said.append(f"{model.name}: {slot} 0 → {size}: idle.size is {model.idle}, so it sleeps no longer")
    return said
