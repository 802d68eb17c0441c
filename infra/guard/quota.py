"""Whether a namespace's quotas have room for both slots at a switch's size. Pure."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from infra.guard.floors import floors, moving
from infra.observed.state import QuotaSeen
from infra.settings.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed.state import Observed, SlotSeen

__all__ = ["quota_shortfalls"]


def quota_shortfalls(models: Iterable[DeclaredModel], observed: Observed, now: datetime) -> dict[str, str]:
    """Say, by model, what its namespace's quotas lack for all switches in it together."""
    growth: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    switches: dict[str, list[DeclaredModel]] = defaultdict(list)
    for model in models:
        seen = observed.model(model.name)
        if model.target is None or not moving(model, seen):
            continue
        switches[model.namespace].append(model)
        planned = floors(model, seen, now)
        for slot, content in model.slots.items():
            for resource, more in _growth(content, seen.slots[slot], planned[slot].min_replicas).items():
                growth[model.namespace][resource] += more
    found: dict[str, str] = {}
    for namespace, needed in growth.items():
        moved = switches[namespace]
        quotas = observed.quotas.get(namespace, ()) or _first(moved)
        if lacking := _lacking(moved[0].quota, needed, quotas):
            text = f"the quota of namespace {namespace} is too small for both slots at the switch's size: {lacking}"
            found |= {model.name: f"{text}. Raise it in teams, or lower scale" for model in moved}
    return found


def _growth(declared: DeclaredSlot, live: SlotSeen, floor: int) -> dict[str, Decimal]:
    """Give what a slot will count in a quota beyond what it counts now.

    Pods of a changed template take the place of the former ones, whose share becomes free; but one of them must fit
    beside all of those first, since a rollout takes none away before its successor is ready.
    """
    size = max(floor, live.current)
    each = {resource: parse_quantity(amount) for resource, amount in {**declared.requests, "pods": "1"}.items()}
    if live.version in (None, declared.version):
        return {resource: (size - live.current) * amount for resource, amount in each.items()}
    former = {**live.requests, "pods": "1"}
    return {
        resource: max(amount, size * amount - live.current * parse_quantity(former.get(resource, "0")))
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
