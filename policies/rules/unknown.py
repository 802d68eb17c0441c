"""Values that a preview cannot know yet, and looking past them safely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["UNKNOWN", "Unknown", "items", "look"]


class Unknown:
    """The one value that stands for what only the `up` will know."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def look(value: Any, *keys: str) -> Any:
    """Return what stands under these keys, None where there is nothing, UNKNOWN from the first unknown on."""
    for key in keys:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def items(value: Any) -> list[Any]:
    """Return a list's items; [UNKNOWN] for an unknown list, nothing for what is no list."""
    if value is UNKNOWN:
        return [UNKNOWN]
    return list(value) if isinstance(value, list | tuple) else []
