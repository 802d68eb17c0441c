"""Kubernetes quantities, to be summed and shown: `500m`, `1Gi`, `4`.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["amount", "shown"]

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:[eE](?P<power>[+-]?\d+)|(?P<suffix>[KMGTPE]i|[numkMGTPE]))?"
)
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {
    letter: Decimal(1000) ** power for letter, power in zip("numkMGTPE", (-3, -2, -1, 1, 2, 3, 4, 5, 6), strict=True)
}


def amount(value: object) -> Decimal | None:
    """Return the number that a quantity stands for, None for what is none, such as a value not known yet."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None or isinstance(value, bool):
        return None
    number = Decimal(match["number"])
    if match["power"]:
        return number.scaleb(int(match["power"]))
    suffix = match["suffix"] or ""
    return number * (_BINARY.get(suffix) or _DECIMAL.get(suffix) or 1)


def shown(number: Decimal, key: str) -> str:
    """Write an amount of `key` (`requests.memory`, `pods`) as people read it: `1.5`, `12Gi`."""
    if "memory" in key or "storage" in key:
        for suffix, scale in reversed(_BINARY.items()):
            if number and abs(number) >= scale:
                return f"{_plain(number / scale)}{suffix}"
    return _plain(number)


def _plain(number: Decimal) -> str:
    rounded = number.quantize(Decimal("0.001")) if number != number.to_integral_value() else number.to_integral_value()
    return f"{rounded:f}".rstrip("0").rstrip(".") if "." in f"{rounded:f}" else f"{rounded:f}"
