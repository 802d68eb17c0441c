"""Kubernetes quantities: `500m`, `1Gi`, `4`.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from infra.settings.checked import Matching
from infra.settings.errors import quote

__all__ = ["CpuQuantity", "MemoryQuantity", "Quantity", "parse_quantity"]

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
)
# Kubernetes would take 1k, 1Gi or 5e-1 as well; as an amount of CPU each is a slip or a riddle.
_CORES = re.compile(r"[0-9]+m|[0-9]+(\.[0-9]+)?")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

# A quantity is kept by Kubernetes in an int64 of its base unit; what is larger is capped without a word.
_LARGEST = Decimal(2**63 - 1)
_SMALLEST_CPU = Decimal("0.001")  # the API server refuses a finer one
_SMALLEST_MEMORY = Decimal(2**20)  # below it no process starts: it is 512m (0.512 bytes) for 512Mi, or 512 for 512M


def parse_quantity(text: str) -> Decimal:
    """Return the number that a quantity stands for, in its base unit: cores, bytes, pieces.

    Raises ValueError, with what is allowed and, where it can be guessed, what was meant.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(
            f"bad quantity {quote(text)}; allowed: a number with no suffix, m, k, M, G, T, Ki, Mi, Gi, Ti{_meant(text)}"
        )
    number = Decimal(match["number"])
    suffix = match["suffix"] or ""
    if suffix in _BINARY:
        number *= Decimal(1024) ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        number = number.scaleb(_DECIMAL[suffix])
    elif suffix:
        number = number.scaleb(int(suffix[1:]))
    if number < 0:
        raise ValueError(f"negative quantity {quote(text)}; allowed: 0 and above")
    if number > _LARGEST:
        raise ValueError(f"quantity {quote(text)} is too large; at most {_LARGEST} fits into Kubernetes")
    return number


def _meant(text: str) -> str:
    squeezed = "".join(text.split())
    if squeezed != text and _QUANTITY.fullmatch(squeezed):
        return f"; did you mean {quote(squeezed)}?"
    loose = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt])i?b?\s*", text, re.IGNORECASE)
    if loose is None:
        return ""
    meant = f"{loose[1]}{loose[2].upper()}i"
    return f"; did you mean {quote(meant)}?"


def _as_text(value: object) -> object:
    # 1 and 0.5 are quantities to Kubernetes as well; unlike in a name, no digit that matters is lost.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _quantity(text: str) -> str:
    parse_quantity(text)
    return text


def _cpu(text: str) -> str:
    cores = parse_quantity(text)
    if not _CORES.fullmatch(text):
        raise ValueError(
            f"{quote(text)} is no amount of CPU; allowed: cores or thousandths of one, such as 2, 0.5 or 500m"
        )
    if cores < _SMALLEST_CPU:
        raise ValueError(f"{quote(text)} is less than 1m (a thousandth of a core), the least that Kubernetes counts")
    return text


def _memory(text: str) -> str:
    size = parse_quantity(text)
    if size < _SMALLEST_MEMORY:
        shown = format(size.normalize(), "f")
        raise ValueError(f"{quote(text)} is {shown} bytes; allowed: at least 1Mi, such as 512Mi or 2Gi")
    return text


# What the API server takes for a number; an editor refuses the rest while it is written.
_TEXT = r"[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE][0-9]{1,3})?"
_NUMBERS: Final = ["string", "number"]

Quantity = Annotated[
    str,
    BeforeValidator(_as_text),
    Matching(_quantity, words="Kubernetes quantity", pattern=_TEXT, type=_NUMBERS),
]
CpuQuantity = Annotated[
    str,
    BeforeValidator(_as_text),
    Matching(_cpu, words="cores, such as `2` or `500m`", pattern=_CORES.pattern, type=_NUMBERS),
]
MemoryQuantity = Annotated[
    str,
    BeforeValidator(_as_text),
    Matching(_memory, words="amount of memory, such as `512Mi` or `2Gi`", pattern=_TEXT, type=_NUMBERS),
]
