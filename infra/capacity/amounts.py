"""Amounts of resources in whole numbers, as the scheduler counts: thousandths of cores, bytes, pieces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from infra.settings import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PODS", "Amounts", "amount", "less", "shown", "total"]

Amounts = Mapping[str, int]
"""By resource: `cpu` in thousandths, `memory` in bytes, `pods` and devices in pieces."""

PODS = "pods"
"""Every pod takes one of these from its node, whatever else it asks for."""

_CORE = 1000
_MIB = 2**20
_GIB = 2**30


def amount(resource: str, quantity: str) -> int:
    """Return a quantity as the scheduler counts it, rounded up.

    Source: `NodeResourcesFit` compares `MilliValue` of cpu and `Value` of all else.
    """
    number = parse_quantity(quantity)
    return math.ceil(number * 1000 if resource == "cpu" else number)


def less(amounts: Amounts, taken: Amounts) -> dict[str, int]:
    """Return what is left, never less than nothing."""
    return {resource: max(0, number - taken.get(resource, 0)) for resource, number in amounts.items()}


def total(parts: Iterable[tuple[Amounts, int]]) -> dict[str, int]:
    """Return the sum of so many of each."""
    found: dict[str, int] = {}
    for amounts, count in parts:
        for resource, number in amounts.items():
            found[resource] = found.get(resource, 0) + number * count
    return found


def shown(resource: str, number: int) -> str:
    """Write an amount as a person would: cores, Mi or Gi, pieces."""
    if resource == "cpu":
        return f"{number}m" if number < _CORE else format((Decimal(number) / _CORE).normalize(), "f")
    if resource != "memory":
        return str(number)
    if number < _GIB:
        return f"{_rounded(number, _MIB)}Mi"
    return f"{_rounded(number, _GIB)}Gi"


def _rounded(number: int, unit: int) -> str:
    return format((Decimal(number) / unit).quantize(Decimal("0.01")).normalize(), "f")
