"""Times as people write them: `30s`, `5m`, `1h30m`, or plain seconds; `500ms` where thousandths matter.

The units are those of Go's `time.ParseDuration`, in which Kubernetes' Gateway API and Prometheus write durations too,
and `d` for days, as in Prometheus.
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Annotated, Final

from infra.settings.checked import Checked
from infra.settings.errors import quote

__all__ = ["Duration", "Millis", "duration", "exact_duration", "parse_duration", "show_duration"]

_UNITS: Final = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_PART = r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|[smhd])"
_TEXT = re.compile(rf"(?:{_PART})+")
# What people write for a unit: its first letters, whatever follows, a space before it.
_LOOSE = re.compile(r"\s*([0-9]{1,9})\s*(ms|milli|[smhd])[a-z]*\s*", re.IGNORECASE)
_ALLOWED = "allowed: seconds, or a number with a unit, such as 30s, 5m, 2h or 1d"


def parse_duration(value: object) -> float:
    """Return the seconds that a value stands for. Raises ValueError with what is allowed and what was meant."""
    return float(_seconds(value))


def _seconds(value: object) -> Decimal:
    if isinstance(value, str):
        if not _TEXT.fullmatch(value):
            raise ValueError(f"bad duration {quote(value)}; {_ALLOWED}{_meant(value)}")
        parts = re.findall(r"([0-9.]+)(ms|[smhd])", value)
        return sum((Decimal(number) * _UNITS[unit] for number, unit in parts), Decimal(0))
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "nothing" if value is None else quote(value) if isinstance(value, bool) else "no single value"
        raise ValueError(f"expected a duration, found {shown}; {_ALLOWED}")  # noqa: TRY004  for pydantic
    if not 0 <= value < 10**9:  # as for a NaN
        raise ValueError(f"bad duration {quote(value)}; {_ALLOWED}")
    return Decimal(str(value))


def _meant(text: str) -> str:
    if text.isascii() and text.isdigit():
        return f'; did you mean "{text}s"?'
    loose = _LOOSE.fullmatch(text)
    if loose is None:
        return ""
    unit = loose[2].lower()
    return f'; did you mean "{loose[1]}{"ms" if unit == "milli" else unit}"?'


def show_duration(seconds: float) -> str:
    """Write seconds in the largest unit that leaves a whole number: 600 is `10m`, 90 is `90s`, 0.5 is `500ms`."""
    exact = Decimal(str(seconds))
    for unit in ("d", "h", "m", "s"):
        if exact and exact % _UNITS[unit] == 0:
            return f"{int(exact / _UNITS[unit])}{unit}"
    return f"{int(exact * 1000)}ms" if exact else "0s"


def duration(least: str, most: str) -> Checked:
    """Return the type of a time that Kubernetes keeps in whole seconds, within bounds; stored as `int`."""
    return _checked(least, most, whole=True)


def exact_duration(least: str, most: str) -> Checked:
    """Return the type of a time in which thousandths of a second matter, within bounds; stored as `float` seconds."""
    return _checked(least, most, whole=False)


@functools.cache
def _checked(least: str, most: str, *, whole: bool) -> Checked:
    low, high = _seconds(least), _seconds(most)

    def read(value: object) -> int | float:
        seconds = _seconds(value)
        if seconds < low:
            raise ValueError(f"{quote(value)} is too short; at least {least}")
        if seconds > high:
            raise ValueError(f"{quote(value)} is too long; at most {most}")
        if not whole:
            return float(seconds)
        if seconds != seconds.to_integral_value():
            raise ValueError(f"{quote(value)} is no whole number of seconds, which is all that Kubernetes keeps here")
        return int(seconds)

    number = {"type": "integer" if whole else "number", "minimum": float(low), "maximum": float(high)}
    return Checked(
        read,
        words=f"duration, {least} to {most}",
        show=show_duration,
        schema={"anyOf": [number, {"type": "string", "pattern": f"^({_PART})+$"}]},
    )


Duration = Annotated[int, duration("0s", "7d")]
"""Whole seconds, as Kubernetes' own `...Seconds` fields; at most a week, longer than any of them can mean."""

Millis = Annotated[float, exact_duration("0s", "7d")]
"""Seconds with a fraction, for what is measured in milliseconds."""
