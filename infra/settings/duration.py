"""Lengths of time as people write them: `30s`, `5m`, `1h30m`, or plain seconds.

The units are those of Go's `time.ParseDuration`, in which Kubernetes' Gateway API and Prometheus write durations too,
and `d` for days, as in Prometheus.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from infra.settings.errors import quote

__all__ = ["Duration", "Millis", "parse_duration"]

_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = r"[0-9]+(?:\.[0-9]+)?(?:ms|[dhms])"
_DURATION = re.compile(rf"(?:{_PART})+")
_WEEK = 7 * 86_400

_WHOLE = "allowed: seconds, or a number with s, m, h or d, such as 30s, 5m or 1h30m"
_FINE = "allowed: seconds, or a number with ms, s, m, h or d, such as 500ms or 2s"


def parse_duration(text: str) -> float:
    """Return the seconds that a text such as `500ms` or `1h30m` stands for; ValueError where it is none."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"bad duration {quote(text)}; {_FINE}")
    parts = re.findall(r"([0-9.]+)(ms|[dhms])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _seconds(value: Any) -> Any:
    """Take text and whole seconds; leave all else to the schema, which says what was expected."""
    if not isinstance(value, str):
        return value
    try:
        seconds = parse_duration(value)
    except ValueError:
        raise ValueError(f"bad duration {quote(value)}; {_WHOLE}") from None
    if seconds != int(seconds):
        raise ValueError(f"{quote(value)} is no whole number of seconds; {_WHOLE}")
    return int(seconds)


def _fraction(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _in_a_week(value: float) -> float:
    if not 0 <= value <= _WEEK:
        raise ValueError(f"{value:g} seconds; allowed: 0 up to 7d")
    return value


def _schema(units: str, example: str) -> WithJsonSchema:
    pattern = rf"^([0-9]+(\.[0-9]+)?({units}))+$"
    return WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}], "examples": [example]}
    )


Duration = Annotated[int, BeforeValidator(_seconds), AfterValidator(_in_a_week), _schema("s|m|h|d", "5m")]
"""Whole seconds, as Kubernetes' own `...Seconds` fields; at most a week, longer than any of them can mean."""

Millis = Annotated[float, BeforeValidator(_fraction), AfterValidator(_in_a_week), _schema("ms|s|m|h|d", "500ms")]
"""Seconds with a fraction, for what is measured in milliseconds."""
