"""What a quota can never hold: refused before the cluster accepts a Deployment whose pods it then refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from infra.settings.errors import KeyPath, Mistake, quote
from infra.settings.rules.demand import Demand, demands
from infra.settings.rules.raw import as_amount, mapping, models
from infra.settings.team import is_count

__all__ = ["overcommitments"]

_GPU = "requests.nvidia.com/gpu"

# Which keys of a quota bound what. The limit of memory is its request.
_BOUNDS = {
    "cpu": ("requests.cpu", "cpu"),
    "memory": ("requests.memory", "memory", "limits.memory"),
    "cpuLimit": ("limits.cpu",),
    "gpu": (_GPU,),
    "pods": ("pods",),
}


def overcommitments(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find quotas that are missing, not whole, or smaller than what the team's models ask for at their smallest.

    All models are counted as they stand, and on top of it the largest change of one of them: a switch, for which both
    slots are as large, or a new version. `raw` may be wrong in any way.
    """
    wanted: dict[str | None, list[Demand]] = {}
    for model in models(raw):
        if (demand := demands(model)) is not None:
            wanted.setdefault(model.team, []).append(demand)
    for team, values in mapping(raw, "teams").items():
        if not isinstance(values, Mapping):
            continue
        quota = values.get("quota", {})
        if not isinstance(quota, Mapping):
            continue
        path, own = ("teams", str(team)), wanted.get(str(team), [])
        yield from _wrong_keys(quota, (*path, "quota"))
        yield from _too_small(quota, (*path, "quota"), own, "the team's models")
        for name, hard in mapping(values, "priorityQuotas").items():
            counted = [demand for demand in own if demand.priority_class == name]
            yield from _too_small(mapping(hard), (*path, "priorityQuotas", name), counted, "its models of this class")


def _wrong_keys(quota: Mapping[str, Any], path: KeyPath) -> Iterator[Mistake]:
    for key, value in quota.items():
        number = as_amount(value)
        if number is not None and is_count(key) and number != number.to_integral_value():
            yield Mistake(path=(*path, key), message=f"counts whole things; {quote(value)} is none")
    for resource in ("cpu", "memory"):
        keys = _BOUNDS[resource][:2]
        if not any(key in quota for key in keys):
            message = "is missing; without it one team can take the whole cluster"
            yield Mistake(path=(*path, keys[0]), message=message)


def _too_small(quota: Mapping[str, Any], path: KeyPath, wanted: list[Demand], whose: str) -> Iterator[Mistake]:
    for resource, keys in _BOUNDS.items():
        steady = sum((demand.steady(resource) for demand in wanted), Decimal(0))
        largest = max(wanted, key=lambda demand: demand.change(resource), default=None)
        more = Decimal(0) if largest is None else largest.change(resource)
        for key in keys:
            allowed = as_amount(quota.get(key))
            if allowed is None or steady + more <= allowed:
                continue
            parts = [
                f"{demand.model} {_shown(demand.steady(resource), resource)} ({demand.words})"
                for demand in wanted
                if demand.steady(resource)
            ]
            if largest is not None and more:
                parts.append(f"{_shown(more, resource)} more {largest.change_words(resource)}")
            hint = _fitting(resource, allowed, wanted, largest)
            yield Mistake(
                path=(*path, key),
                message=f"{quote(quota[key])} cannot hold {whose}, which ask for at least"
                f" {_shown(steady + more, resource)}: {', '.join(parts)}{hint}",
            )


def _fitting(resource: str, allowed: Decimal, wanted: list[Demand], largest: Demand | None) -> str:
    """Propose with what the model with the largest change would fit; nothing where nothing would do."""
    if largest is None:
        return ""
    others = [demand for demand in wanted if demand is not largest]
    change = max((demand.change(resource) for demand in others), default=Decimal(0))
    room = allowed - largest.serving(resource) - sum((demand.steady(resource) for demand in others), Decimal(0))
    one = largest.one(resource)
    if largest.cold is not None and max(largest.cold.of(resource), one, change) <= room:
        return f"; idle: {{size: cold}} would fit for {largest.model}"
    if largest.strategy == "blue-green" and max(one, change) <= room:
        return f"; strategy: rolling would fit for {largest.model}"
    if change <= room:
        if largest.least > 1:
            fitting = "rollout: {maxSurge: 0, maxUnavailable: 1}"
            strategy = fitting if largest.strategy == "rolling" else f"strategy: rolling with {fitting}"
        else:
            strategy = "strategy: recreate"
        return f"; {strategy} would fit for {largest.model}"
    return ""


def _shown(amount: Decimal, resource: str) -> str:
    if resource == "memory":
        return f"{format((amount / 2**30).quantize(Decimal('0.01')).normalize(), 'f')}Gi"
    return format(amount.normalize(), "f")
