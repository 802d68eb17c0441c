"""What a quota can never hold: refused before the cluster accepts a Deployment whose pods it then refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from infra.settings.errors import KeyPath, Mistake, quote
from infra.settings.quantity import parse_quantity
from infra.settings.raw import RawModel, mapping, models
from infra.settings.team import is_count

__all__ = ["overcommitments"]

_BOUNDS = {"cpu": ("requests.cpu", "cpu"), "memory": ("requests.memory", "memory"), "pods": ("pods",)}
_DEFAULT_MIN = 2  # as `model.Scale.min`


def overcommitments(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find quotas that are missing, not whole, or smaller than what the smallest size of all slots asks for.

    Both slots of a model count: the idle one keeps its pods too. `raw` may be wrong in any way.
    """
    for team, values in mapping(raw, "teams").items():
        if not isinstance(values, Mapping):
            continue
        quota = values.get("quota", {})
        if not isinstance(quota, Mapping):
            continue
        path = ("teams", str(team), "quota")
        yield from _wrong_keys(quota, path)
        yield from _too_small(quota, path, _floor(models(raw), str(team)))


def _wrong_keys(quota: Mapping[str, Any], path: KeyPath) -> Iterator[Mistake]:
    for key, value in quota.items():
        number = _number(value)
        if number is not None and is_count(key) and number != number.to_integral_value():
            yield Mistake(path=(*path, key), message=f"counts whole things; {quote(value)} is none")
    for resource in ("cpu", "memory"):
        keys = _BOUNDS[resource]
        if not any(key in quota for key in keys):
            message = "is missing; without it one team can take the whole cluster"
            yield Mistake(path=(*path, keys[0]), message=message)


def _too_small(quota: Mapping[str, Any], path: KeyPath, floor: Mapping[str, Decimal]) -> Iterator[Mistake]:
    for resource, keys in _BOUNDS.items():
        for key in keys:
            allowed = _number(quota.get(key))
            if allowed is not None and floor[resource] > allowed:
                yield Mistake(
                    path=(*path, key),
                    message=f"{quote(quota[key])} cannot hold the team's models: at scale.min, both slots together,"
                    f" they ask for {_shown(floor[resource], resource)}",
                )


def _floor(all_models: Iterator[RawModel], team: str) -> dict[str, Decimal]:
    total = {"cpu": Decimal(0), "memory": Decimal(0), "pods": Decimal(0)}
    for model in all_models:
        if model.team != team:
            continue
        least = mapping(model.values, "scale").get("min", _DEFAULT_MIN)
        if not isinstance(least, int) or isinstance(least, bool) or least < 1:
            continue
        for version in model.filled.values():
            total["pods"] += least
            for resource in ("cpu", "memory"):
                total[resource] += least * (_number(model.resource(version, resource)) or Decimal(0))
    return total


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_quantity(str(value))
    except ValueError:
        return None


def _shown(amount: Decimal, resource: str) -> str:
    if resource == "memory":
        return f"{format((amount / 2**30).quantize(Decimal('0.01')).normalize(), 'f')}Gi"
    return format(amount.normalize(), "f")
