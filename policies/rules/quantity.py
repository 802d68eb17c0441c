"""Kubernetes quantities, as numbers in their base unit: cores, bytes, pieces.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator

__all__ = ["Quantity", "amount", "percent_of", "shown"]

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def amount(value: Any) -> Decimal | None:
    """Return the number that a quantity stands for, None for what is none."""
    return _parsed(str(value))


@cache
def _parsed(text: str) -> Decimal | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix = Decimal(match["number"]), match["suffix"] or ""
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number.scaleb(_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:] or 0))


def _quantity(text: str) -> str:
    if amount(text) is None:
        raise ValueError(f"{text!r} is no quantity; allowed: such as 200, 500m, 16Gi")
    return text


Quantity = Annotated[str, AfterValidator(_quantity)]
"""A quantity in the pack's configuration, as it is written."""


def percent_of(value: Any, whole: int, *, up: bool) -> int | None:
    """Return how many of a whole an IntOrString means (`1`, `25%`), None for what is neither."""
    text = str(value)
    if re.fullmatch(r"[0-9]+(?:\.0+)?", text):
        return int(float(text))
    if not re.fullmatch(r"[0-9]+%", text):
        return None
    share = int(text[:-1]) * whole
    return -(-share // 100) if up else share // 100


def shown(number: Decimal) -> str:
    """Write a number without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
