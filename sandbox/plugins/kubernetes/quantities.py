"""Quantities: that `1000m` is `1`, where a field holds a quantity.

The API server stores its own spelling, so that a live object differs from the program in text only.
Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_quantity", "same_quantity"]

_NUMBER = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)$")
_SCALE = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(10) ** power for suffix, power in zip("kMGTPE", range(3, 19, 3), strict=True)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}

# Fields of which every entry is a quantity, and fields that are one.
_MAPS = frozenset(
    {
        "limits",
        "requests",
        "hard",
        "capacity",
        "allocatable",
        "overhead",
        "podFixed",
        "max",
        "min",
        "default",
        "defaultRequest",
        "maxLimitRequestRatio",
    },
)
_FIELDS = frozenset({"sizeLimit", "divisor", "averageValue"})


def is_quantity(path: Sequence[str | int]) -> bool:
    """Tell whether the field at `path` holds a quantity in every kind that Kubernetes has.

    Free text (a ConfigMap's data, an environment variable, an annotation) never does: there `1000m` and `1` differ.
    """
    if not path or path[0] in ("metadata", "data", "stringData") or "env" in path:
        return "divisor" in path
    leaf, parent = path[-1], path[-2] if len(path) > 1 else None
    return parent in _MAPS or leaf in _FIELDS or (leaf == "value" and parent == "target")


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _NUMBER.match(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * _SCALE.get(suffix or "", Decimal(1))


def same_quantity(one: Any, other: Any) -> bool:
    """Tell whether two spellings mean the same amount."""
    amount = _amount(one)
    return amount is not None and amount == _amount(other)
