"""What an `up` will do about a model, in words, and what it will wait for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.labels import ONLY, Place, slot_name
from infra.guard.canary import described, grows, split
from infra.guard.condition import runs_declared
from infra.guard.floors import Hold, floors, moving, replacing
from infra.guard.sleep import sleeping, waking
from infra.guard.starts import estimate, last_start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from components.autoscaler import Floor
    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen

__all__ = ["waits", "words"]


def words(model: DeclaredModel, seen: ModelSeen, now: datetime) -> list[str]:
    """Say what an `up` will do about who serves, in the order in which it does it."""
    if model.target is None:
        return []
    planned = floors(model, seen, now)
    if moving(model, seen):
        said = [_moved(model, seen, planned)]
    elif replacing(model, seen):
        said = [_replaced(model, seen)]
    else:
        said = [*_let_go(model, seen, planned, now), *_asleep(model, seen, planned)]
    return [f"{model.name}: {line}" for line in (*said, *_canary(model, seen))]


def waits(model: DeclaredModel, seen: ModelSeen, now: datetime) -> list[str]:
    """List what only the `up` can know, and will wait for."""
    planned = floors(model, seen, now)
    places: list[Place] = []
    if model.target is not None and (moving(model, seen) or replacing(model, seen)):
        places.append(model.active)
    if model.canary_slot is not None and (grows(model, seen.route) or (places and split(model, seen))):
        places.append(model.idle_slot)
    listed: list[str] = []
    for place in places:
        name, declared = slot_name(model.name, place), model.slots[place]
        image = f" of {declared.image}" if declared.image is not None else ", of the image still to be built"
        listed.append(f"{name}: {planned[place].min_replicas} ready pods{image}")
        if declared.smoke is not None:
            listed.append(f"{name}: its answer to {declared.smoke.method} {declared.smoke.path}")
    return listed


def _moved(model: DeclaredModel, seen: ModelSeen, planned: Mapping[Place, Floor]) -> str:
    place, target = model.active, model.target
    version = "" if target is None else target.version
    where = "" if place == ONLY else f"{place} "
    size = planned[place].min_replicas
    if not seen.service:
        return f"{where}0 → {size} first, then 100 % to version {version} (first deployment)"
    live = seen.at(place)
    runs = target is not None and runs_declared(target, live)
    if live.ready >= size and runs:
        how = f"{where}runs {live.ready}, then 100 % to version {version}: warm (seconds)"
    elif live.running >= size and not runs:
        how = f"{where}{live.running} replaced by version {version} first, then 100 % to it: {estimate(live)}"
    else:
        how = f"{where}{live.running} → {size} first, then 100 % to version {version}: {estimate(live)}"
    hold = planned[place].hold
    both = "both slots keep" if ONLY not in {place, seen.routing} else "it keeps"
    return f"{how}; {both} at least {hold}" if hold else f"{how}; no hold"


def _replaced(model: DeclaredModel, seen: ModelSeen) -> str:
    live, rollout, target = seen.at(model.active), model.rollout, model.target
    if rollout is None or target is None:
        return ""
    if rollout.recreate:
        taken = last_start(live)
        long = "" if taken is None else f", about {taken} s: the last start took {taken} s"
        return (
            f"all {live.running} pods of version {live.version} end, then version {target.version} starts: "
            f"nobody is answered in between{long}"
        )
    return (
        f"version {live.version} replaced by version {target.version}, pod by pod: {live.running} pods, at most "
        f"{rollout.surge} more and {rollout.unavailable} fewer meanwhile"
    )


def _canary(model: DeclaredModel, seen: ModelSeen) -> list[str]:
    """Say what a canary gets, in every plan while it gets any: its share is no change that the engine would show."""
    canary, declared = model.canary, model.canary_slot
    if canary is None or declared is None:
        return []
    parts = split(model, seen)
    if parts is None:
        return [described(canary, model.idle_slot, declared.version, canary.host or f"Service {model.name}")]
    shared = (
        f"{parts.percent:.0f} % of traffic at Service {model.name} to {model.idle_slot} (version {declared.version}), "
        f"asked for is {canary.percent} %: {parts.canary} of {parts.active + parts.canary} pods, since no gateway "
        f"shares requests out; neither slot is scaled meanwhile"
    )
    return [shared]


def _let_go(model: DeclaredModel, seen: ModelSeen, planned: Mapping[Place, Floor], now: datetime) -> list[str]:
    over: list[str] = []
    for place in model.places:
        live = seen.at(place)
        if live.hold is None or planned[place].hold is not None:
            continue
        hold = Hold.parse(live.hold)
        why = f"the hold of {hold} is over" if hold and not hold.in_force(now) else f'"{live.hold}" is no hold'
        over.append(f"{place}: {why}, its floor returns to {planned[place].min_replicas}")
    return over


def _asleep(model: DeclaredModel, seen: ModelSeen, planned: Mapping[Place, Floor]) -> list[str]:
    """Say which slot is put to sleep or woken, neither of which the engine plans."""
    said: list[str] = []
    for place in model.slots:
        live = seen.at(place)
        if sleeping(model, place, seen, planned[place]) and live.desired:
            said.append(f"{place} {live.desired} → 0: idle.size is cold, so it sleeps once it has proved itself")
        elif waking(model, place, seen):
            size = planned[place].min_replicas
            said.append(f"{place} 0 → {size}: idle.size is {model.idle}, so it sleeps no longer")
    return said
