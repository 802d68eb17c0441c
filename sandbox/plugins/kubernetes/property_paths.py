"""Property paths as the engine writes them: `spec.containers[0].env["a.b"]`.

Source: `sdk/go/common/resource/property_path.go` of Pulumi 3.255.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.plugins.kubernetes.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["covers", "parse_path", "render_path"]

_STEP = re.compile(r'\.?(?P<name>[^.\["\]]+)|\[(?P<index>\d+|\*)\]|\.?\["(?P<quoted>(?:[^"\\]|\\.)*)"\]')


def parse_path(text: str) -> tuple[str | int, ...]:
    """Split a path into names and indices; `*` stands for any of either.

    Raises:
        ProviderError: it is no property path.

    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ProviderError(f"{text!r} is not a property path: nothing can be read from {text[position:]!r} on")
        index = match["index"]
        if index is not None:
            steps.append("*" if index == "*" else int(index))
        else:
            steps.append(match["name"] or match["quoted"].replace('\\"', '"'))
        position = match.end()
    return tuple(steps)


def render_path(path: Sequence[str | int]) -> str:
    """Write a path the way `parse_path` reads it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[.\["\]]', step):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text


def covers(path: Sequence[str | int], other: Sequence[str | int]) -> bool:
    """Tell whether `other` is at `path` or below it."""
    return len(path) <= len(other) and all(a in ("*", b) for a, b in zip(path, other, strict=False))
