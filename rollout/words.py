"""Figures as people read them."""

from __future__ import annotations

import math

__all__ = ["count", "millis", "number", "percent"]


def count(value: float) -> str:
    """Write a number of things: `1,204`."""
    return f"{round(value):,}" if math.isfinite(value) else str(value)


def percent(share: float) -> str:
    """Write a share: `0.5 %`, with as many digits as tell it from the bounds that people set."""
    return f"{share * 100:.3g} %"


def millis(seconds: float | None) -> str:
    """Write a time: `12 ms`, `1.5 s`."""
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "more than is measured"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def number(value: float | None) -> str:
    """Write a metric's value with three digits."""
    return "-" if value is None else f"{value:.3g}"
