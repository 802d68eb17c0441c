"""Whether a namespace's quotas have room for both slots at a switch's size. Pure."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from components.team_namespace import QUOTA
from infra.guard.canary import grows, split
from infra.guard.floors import floors, moving, replacing
from infra.guard.room import proposal
from infra.observed.state import QuotaSeen, Scope
from infra.settings.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import ModelSeen, Observed, SlotSeen

    _Amounts = Mapping[str, Decimal]
    """What pods count in a quota, by the quota's own names."""

__all__ = ["growing", "quota_shortfalls"]


def quota_shortfalls(models: Iterable[DeclaredModel], observed: Observed, now: datetime) -> dict[str, str]:
    """Say, by model, what its namespace's quotas lack for all that moves or grows in it together."""
    growth: dict[str, list[tuple[DeclaredModel, _Amounts]]] = defaultdict(list)
    for model in models:
        seen = observed.model(model.name)
        if model.target is not None and growing(model, seen):
            growth[model.namespace].append((model, _needed(model, seen, now)))
    lacking: dict[str, list[str]] = defaultdict(list)
    for namespace, moved in growth.items():
        for quota in observed.quotas.get(namespace, ()) or _declared(model for model, _ in moved):
            counted = {model.name: (model, needed) for model, needed in moved if quota.counts(model.priority_class)}
            for short in _lacking(quota, counted.values()):
                for name in counted:
                    lacking[name].append(short)
    return {
        model.name: _sentence(model, observed.model(model.name), "; ".join(sorted(lacking[model.name])))
        for moved in growth.values()
        for model, _ in moved
        if lacking[model.name]
    }


def growing(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether this run needs more pods of a model: a switch, a canary that grows, another version in its place."""
    shared = split(model, seen)
    more = shared is not None and seen.at(model.idle_slot).current < shared.canary
    return moving(model, seen) or replacing(model, seen) or grows(model, seen.route) or more


def _sentence(model: DeclaredModel, seen: ModelSeen, lacking: str) -> str:
    quota = f"the quota of namespace {model.namespace}"
    if replacing(model, seen):
        if model.rollout is not None and model.rollout.beside:
            small = f"{quota} has no room for a pod of version {_version(model)} beside the former ones"
            return f"{small}: {lacking}. Raise it in teams; or {proposal(model)}"
        return f"{quota} is too small for version {_version(model)}: {lacking}. Raise it in teams, or lower scale"
    if model.rollout is None and not moving(model, seen):
        return f"{quota} is too small for the canary: {lacking}. Raise it in teams, or lower scale or canary.percent"
    pods = "both slots at the switch's size" if model.rollout is None else "its pods"
    return f"{quota} is too small for {pods}: {lacking}. Raise it in teams, or lower scale"


def _version(model: DeclaredModel) -> str:
    return "" if model.target is None else model.target.version


def _needed(model: DeclaredModel, seen: ModelSeen, now: datetime) -> _Amounts:
    """Give what all places of a model will count beyond what they count now."""
    planned = floors(model, seen, now)
    beside = model.rollout is None or model.rollout.beside
    needed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for place, content in model.slots.items():
        grown = _growth(content, seen.at(place), planned[place].min_replicas, beside=beside)
        for resource, more in grown.items():
            needed[resource] += more
    return needed


def _growth(declared: DeclaredSlot, live: SlotSeen, floor: int, *, beside: bool) -> dict[str, Decimal]:
    """Give what a place will count in a quota beyond what it counts now.

    Pods of a changed template take the place of the former ones, whose share becomes free; but where none is taken away
    before its successor is ready (`beside`), one must fit beside all of those first.
    """
    size = max(floor, live.current)
    each = {resource: parse_quantity(amount) for resource, amount in {**declared.requests, "pods": "1"}.items()}
    if live.version in (None, declared.version):
        return {resource: (size - live.current) * amount for resource, amount in each.items()}
    former = {**live.requests, "pods": "1"}
    return {
        resource: max(
            amount if beside else Decimal(0),
            size * amount - live.current * parse_quantity(former.get(resource, "0")),
        )
        for resource, amount in each.items()
    }


def _declared(models: Iterable[DeclaredModel]) -> Iterable[QuotaSeen]:
    """Give the declared quotas of a namespace that is still to be made."""
    found: dict[str, QuotaSeen] = {}
    for model in models:
        for name, hard in model.quotas.items():
            # Of one that is not there yet, its scope is known by who declares it: those of its class.
            classes = frozenset({model.priority_class or ""})
            scopes = () if name == QUOTA else (Scope(name="PriorityClass", operator="In", values=classes),)
            found[name] = QuotaSeen(name=name, hard=hard, used={}, scopes=scopes)
    return found.values()


def _lacking(quota: QuotaSeen, counted: Collection[tuple[DeclaredModel, _Amounts]]) -> Iterator[str]:
    """Compare what is needed with what a quota leaves; the declared limit counts in place of the live one."""
    for resource, live in quota.hard.items():
        declared = (model.quotas.get(quota.name, {}).get(resource) for model, _ in counted)
        hard = next((limit for limit in declared if limit is not None), live)
        more = sum((needed.get(resource, Decimal(0)) for _, needed in counted), Decimal(0))
        free = parse_quantity(hard) - parse_quantity(quota.used.get(resource, "0"))
        if more > 0 and more > free:
            left = f"{_amount(max(free, Decimal(0)))} of {hard} left"
            # Whoever reads it looks for the one quota of the namespace, unless it is another.
            where = f" in {quota.name}" if quota.scopes else ""
            yield f"{resource} {_amount(more)} more, {left}{where}"


def _amount(number: Decimal) -> str:
    """Write an amount as a person would: whole, in Mi or Gi where it is memory, else in thousandths."""
    for suffix, unit in (("Gi", Decimal(2**30)), ("Mi", Decimal(2**20))):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{suffix}"
    if number == number.to_integral_value():
        return f"{number:.0f}"
    return f"{number * 1000:.0f}m"
