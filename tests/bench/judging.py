"""What the policy pack adds to a preview: the same one with it and without, in turns."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from growing import everything, grow

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Platform

__all__ = ["measure_policies"]


def measure_policies(platform: Platform, size: int, *, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return a row with the pack and one without: median wall seconds of a preview that changes nothing."""
    objects = grow(platform, size)
    resources = everything(platform)
    ways = {"preview with the pack": platform.shell(), "preview without": platform.unpoliced()}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, environment in ways.items():
            began = time.monotonic()
            platform.run("pulumi", "preview", "-s", "local", "--non-interactive", environment=environment)
            seconds[way].append(time.monotonic() - began)
    rows = [
        {"objects": objects, "resources": resources, "way": way, "seconds": statistics.median(took)}
        for way, took in seconds.items()
    ]
    added = rows[0]["seconds"] - rows[1]["seconds"]
    say(f"{resources} resources, {objects} of them objects: the pack adds {added:.2f} s to {rows[1]['seconds']:.2f} s")
    return rows
