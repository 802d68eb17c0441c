"""Whether a namespace's quotas have room for both slots at a switch's size. Pure."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from infra.guard.canary import grows, split
from infra.guard.floors import floors, moving, replacing
from infra.guard.room import proposal
from infra.observed.state import QuotaSeen
from infra.settings.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import ModelSeen, Observed, SlotSeen

__all__ = ["growing", "quota_shortfalls"]


def quota_shortfalls(models: Iterable[DeclaredModel], observed: Observed, now: datetime) -> dict[str, str]:
    """Say, by model, what its namespace's quotas lack for all that moves or grows in it together."""
    growth: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    moved: dict[str, list[DeclaredModel]] = defaultdict(list)
    for model in models:
        seen = observed.model(model.name)
        if model.target is None or not growing(model, seen):
            continue
        moved[model.namespace].append(model)
        planned = floors(model, seen, now)
        for place, content in model.slots.items():
            beside = model.rollout is None or model.rollout.beside
            grown = _growth(content, seen.at(place), planned[place].min_replicas, beside=beside)
            for resource, more in grown.items():
                growth[model.namespace][resource] += more
    found: dict[str, str] = {}
    for namespace, needed in growth.items():
        quotas = observed.quotas.get(namespace, ()) or _first(moved[namespace])
        if lacking := _lacking(moved[namespace][0].quota, needed, quotas):
            found |= {
                model.name: _sentence(model, observed.model(model.name), namespace, lacking)
                for model in moved[namespace]
            }
    return found


def growing(model: DeclaredModel, seen: ModelSeen) -> bool:
    """Whether this run needs more pods of a model: a switch, a canary that grows, another version in its place."""
    shared = split(model, seen)
    more = shared is not None and seen.at(model.idle_slot).current < shared.canary
    return moving(model, seen) or replacing(model, seen) or grows(model, seen.route) or more


def _sentence(model: DeclaredModel, seen: ModelSeen, namespace: str, lacking: str) -> str:
    quota = f"the quota of namespace {namespace}"
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


def _first(models: list[DeclaredModel]) -> tuple[QuotaSeen, ...]:
    """Give the declared quota of a namespace that is still to be made."""
    return (QuotaSeen(name="declared", hard=models[0].quota, used={}),)


def _lacking(declared: Mapping[str, str], needed: Mapping[str, Decimal], quotas: Iterable[QuotaSeen]) -> str:
    """Compare what is needed with what each quota leaves; the declared limit counts in place of the live one."""
    found: dict[str, str] = {}
    for quota in quotas:
        for resource, live in quota.hard.items():
            hard, more = declared.get(resource, live), needed.get(resource, Decimal(0))
            free = parse_quantity(hard) - parse_quantity(quota.used.get(resource, "0"))
            if more > 0 and more > free:
                found[resource] = f"{resource} {_amount(more)} more, {_amount(max(free, Decimal(0)))} of {hard} left"
    return "; ".join(found[resource] for resource in sorted(found))


def _amount(number: Decimal) -> str:
    """Write an amount as a person would: whole, in Mi or Gi where it is memory, else in thousandths."""
    for suffix, unit in (("Gi", Decimal(2**30)), ("Mi", Decimal(2**20))):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{suffix}"
    if number == number.to_integral_value():
        return f"{number:.0f}"
    return f"{number * 1000:.0f}m"
