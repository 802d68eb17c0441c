"""What the slot that does not serve gets of the requests, and how large it has to be for that. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.labels import slot_name
from components.shares import Shares, shares
from infra.observed.state import RouteSeen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen

__all__ = ["DeclaredCanary", "carrying", "declared_route", "described", "grows", "load", "shown", "shrinks", "split"]

_ALL = 100


@dataclass(frozen=True, kw_only=True)
class DeclaredCanary:
    """A canary: `percent` of the requests, all those with `headers`, and a copy of `mirror` percent.

    `host` is where a gateway shares requests out; None where two slots share them by their numbers of pods, which know
    neither headers nor copies.
    """

    percent: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    mirror: int = 0
    host: str | None = None

    @property
    def sends(self) -> bool:
        """Whether any request reaches the canary."""
        return bool(self.percent or self.headers or self.mirror)


def carrying(canary: DeclaredCanary, running: int) -> int:
    """Give how many pods the canary needs for its share of what takes `running` pods now: one at least."""
    return max(1, math.ceil(max(canary.percent, canary.mirror) * running / _ALL))


def load(model: DeclaredModel, seen: ModelSeen) -> int:
    """Give how many pods all of a model's requests take now, told by the slot that gets most of them.

    Without a route that shares them out, that is the slot that the Service selects. A slot at its autoscaler's minimum
    tells only that no more are needed, and nothing is concluded from it about the rest.
    """
    if seen.routing is None:
        return 0
    slots = {model.name: seen.routing, **{slot_name(model.name, slot): slot for slot in model.places}}
    route = seen.route or RouteSeen()
    sent = {slots[name]: part for name, part in route.shares.items() if name in slots}
    place, share = max(sent.items(), key=lambda each: each[1], default=(seen.routing, float(_ALL)))
    live = seen.at(place)
    if not share or (live.floor is not None and live.running <= live.floor):
        return live.running
    return math.ceil(round(live.running * _ALL / share, 6))


def declared_route(model: DeclaredModel) -> RouteSeen:
    """Give how a model's HTTPRoute is to share requests out."""
    canary = model.canary
    if canary is None or not canary.sends:
        return RouteSeen(shares={model.name: float(_ALL)})
    service = slot_name(model.name, model.idle_slot)
    parts = {model.name: float(_ALL - canary.percent), service: float(canary.percent)}
    headers = tuple(sorted(canary.headers.items()))
    return RouteSeen(
        shares={name: share for name, share in parts.items() if share},
        matches=frozenset({(headers, service)}) if headers else frozenset(),
        mirrors={service: canary.mirror} if canary.mirror else {},
    )


def grows(model: DeclaredModel, live: RouteSeen | None) -> bool:
    """Whether a gateway would send the canary requests that it does not get yet."""
    canary = model.canary
    if canary is None or canary.host is None or not canary.sends:
        return False
    wanted, now = declared_route(model), live or RouteSeen()
    service = slot_name(model.name, model.idle_slot)
    return (
        wanted.shares.get(service, 0) > now.shares.get(service, 0)
        or wanted.mirrors.get(service, 0) > now.mirrors.get(service, 0)
        or not wanted.matches <= now.matches
    )


def shrinks(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether the slot that does not serve gets fewer requests than it did, by whatever they were shared out."""
    wanted, now = declared_route(model), seen.route or RouteSeen()
    service = slot_name(model.name, model.idle_slot)
    return (
        wanted.shares.get(service, 0) < now.shares.get(service, 0)
        or wanted.mirrors.get(service, 0) < now.mirrors.get(service, 0)
        or any(to == service for _, to in now.matches - wanted.matches)
        or (seen.shared and split(model, seen) is None)
    )


def split(model: DeclaredModel, seen: ModelSeen) -> Shares | None:
    """Give the numbers of pods by which two slots share the requests; None where they do not."""
    canary = model.canary
    if canary is None or canary.host is not None or not 0 < canary.percent < _ALL:
        return None
    size = min(max(seen.at(model.active).running, model.minimum), model.maximum)
    return shares(canary.percent, size, model.maximum)


def shown(route: RouteSeen) -> str:
    """Write down how requests are shared out."""
    parts = [f"{share:g} % to {service}" for service, share in sorted(route.shares.items())]
    for headers, service in sorted(route.matches):
        parts.append(f"{', '.join(f'{name}: {value}' for name, value in headers)} to {service}")
    parts += [f"a copy of {percent} % to {service}" for service, percent in sorted(route.mirrors.items())]
    return "; ".join(parts) or "nothing anywhere"


def described(canary: DeclaredCanary, slot: str, version: str, where: str) -> str:
    """Say in words what a canary gets."""
    parts = [f"{canary.percent} % of traffic at {where} to {slot} (version {version})"]
    if canary.headers:
        headers = " and ".join(f"{name}: {value}" for name, value in sorted(canary.headers.items()))
        parts.append(f"header {headers} always")
    if canary.mirror:
        parts.append(f"a copy of {canary.mirror} % of it, whose answers nobody gets")
    return "; ".join(parts)
