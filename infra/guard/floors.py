"""How small a slot's autoscaler may make it: the declared minimum, or what a switch holds.

Pure: the clock comes as an argument, live state as values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from components.autoscaler import Floor
from infra.guard.canary import carrying, declared_route, grows, load, split

if TYPE_CHECKING:
    from components.labels import Place
    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen

__all__ = ["ROUNDING", "Hold", "bounded", "floors", "moving", "replacing", "switching"]

# A hold's end is rounded up to a full minute: the preview and the up of one command run the program
# seconds apart, and should write the same text unless a minute begins between them. It only ever
# lengthens a soak, by less than this.
ROUNDING = timedelta(minutes=1)

_HOLD = re.compile(r"(\d{1,6}) until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A number of replicas kept until a time, as written in the annotation `ml-platform/hold`."""

    replicas: int
    until: datetime

    @classmethod
    def starting(cls, replicas: int, *, now: datetime, soak: timedelta) -> Hold:
        """Begin a hold that lasts at least the soak, rounded up to ROUNDING."""
        end = (now + soak).astimezone(UTC)
        over = timedelta(seconds=end.second, microseconds=end.microsecond)
        return cls(replicas=replicas, until=end if not over else end - over + ROUNDING)

    @classmethod
    def parse(cls, text: str | None) -> Hold | None:
        """Read an annotation; None for no hold and for one that another hand has made unreadable."""
        found = _HOLD.fullmatch(text) if text is not None else None
        if found is None:
            return None
        try:
            until = datetime.strptime(found[2], _TIME).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(replicas=int(found[1]), until=until)

    def in_force(self, now: datetime) -> bool:
        """Whether the hold still counts."""
        return now < self.until

    def __str__(self) -> str:
        return f"{self.replicas} until {self.until.strftime(_TIME)}"


def switching(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether the declared active slot is another than the one the live Service sends to.

    Without a Service nobody is served yet, so there is nothing to switch from.
    """
    return seen.service and seen.routing != model.active


def moving(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether an `up` will send traffic to a slot that does not get it yet: a switch, or the first Service."""
    return not seen.service or switching(model, seen)


def replacing(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether a model without slots gets another version in place of the one that serves."""
    target, live = model.target, seen.at(model.active)
    changes = target is not None and live.exists and live.version != target.version
    return model.rollout is not None and changes and not moving(model, seen)


def floors(model: DeclaredModel, seen: ModelSeen, now: datetime) -> dict[Place, Floor]:
    """Decide how small each autoscaler may make its pods: `max(scale.min, hold)`, never above `scale.max`.

    A switch holds both slots at what the load takes now: the target so that it can carry it at once, the former so
    that going back is as fast. A canary that grows is held at its share of that. Whenever a gateway shares requests out
    anew, the active slot is held at what it runs, and at what it is to carry: so that going back is as fast here too.
    Later runs declare a hold that is still in force exactly as it is written, so that an unchanged configuration plans
    no change; the first run after its end lets go, to `scale.min`, or `idle.size` where nobody is served. One
    declaration each time keeps Pulumi the only owner of minReplicas.
    """
    if switching(model, seen):
        return dict.fromkeys(model.places, _held(model, bounded(model, load(model, seen)), now))
    planned = {place: _kept(model, place, seen.at(place).hold, now) for place in model.places}
    if (parts := split(model, seen)) is not None:
        sizes = {model.active: parts.active, model.idle_slot: parts.canary}
        return {place: replace(floor, min_replicas=sizes[place]) for place, floor in planned.items()}
    if model.canary is not None and grows(model, seen.route):
        slot = model.idle_slot
        size = max(carrying(model.canary, load(model, seen)), planned[slot].min_replicas)
        planned[slot] = _held(model, size, now)
    if seen.route is not None and seen.route.shares != declared_route(model).shares:
        size = max(_remaining(model, seen), planned[model.idle_slot].min_replicas)
        if size > model.least(model.active):
            planned[model.active] = _held(model, size, now)
    return planned


def _remaining(model: DeclaredModel, seen: ModelSeen) -> int:
    """Give how large the active slot is to stay where a gateway shares requests out anew."""
    own = declared_route(model).shares.get(model.name, 0)
    return max(seen.at(model.active).running, math.ceil(round(load(model, seen) * own / 100, 6)))


def _held(model: DeclaredModel, size: int, now: datetime) -> Floor:
    hold = Hold.starting(min(size, model.maximum), now=now, soak=model.soak)
    return Floor(min_replicas=hold.replicas, hold=str(hold))


def _kept(model: DeclaredModel, place: Place, written: str | None, now: datetime) -> Floor:
    hold = Hold.parse(written)
    if hold is None or not hold.in_force(now):
        return Floor(min_replicas=model.least(place))
    return Floor(min_replicas=min(max(hold.replicas, model.least(place)), model.maximum), hold=written)


def bounded(model: DeclaredModel, replicas: int) -> int:
    """Keep a size within `scale`. The maximum wins: the API server refuses a floor above the ceiling."""
    return min(max(replicas, model.minimum), model.maximum)
