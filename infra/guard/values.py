"""Reading what a hook is given, which may be an Output at any depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

__all__ = ["dug", "value"]


async def value(given: Any) -> Any:
    """Wait for an Output, secret or not; None where it is unknown, as a built image is in a preview."""
    if isinstance(given, pulumi.Output):
        return await given.future()
    return None if pulumi.contains_unknowns(given) else given


async def dug(inputs: Any, *path: str | int) -> Any:
    """Give what stands at a path inside of inputs; None where nothing does, or it is unknown.

    A secret or an unknown deep inside makes an Output of what is around it, so each step may have to be waited for.
    """
    found = inputs
    for step in path:
        found = await found.future() if isinstance(found, pulumi.Output) else found
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list | tuple) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return await value(found)
