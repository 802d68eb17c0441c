"""How long a switch takes, by size of the stack, and `kubectl patch` beside it."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growing import grow
from traffic import Watched, late, load_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from served import Platform

__all__ = ["measure_switches"]

VERSIONS = {"blue": "1", "green": "2"}
OTHER = {"blue": "green", "green": "blue"}
# A connection that was open at the switch may stay with the former version this long (examples/iris/server.py).
SETTLED_SECONDS = 2


def measure_switches(
    platform: Platform, sizes: Sequence[int], *, rounds: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return a row a size and way: median wall seconds, and seconds from PATCH to the last old answer."""
    rows = []
    for size in sizes:
        objects = grow(platform, size)
        say(f"{objects} objects (asked: {size})")
        ways: dict[str, Callable[[str], None]] = {
            "pulumi up": lambda slot: _up(platform, slot),
            "pulumi up --skip-preview": lambda slot: _up(platform, slot, "--skip-preview"),
            "kubectl patch": lambda slot: _patch(platform, slot),
        }
        for way, switch in ways.items():
            seconds, old = [], []
            for _ in range(rounds):
                took, last = _switched(platform, switch)
                seconds.append(took)
                old.append(last)
                if way == "kubectl patch":
                    _patch(platform, OTHER[platform.active()])  # back to what the stack declares
            row = {"objects": objects, "way": way, "seconds": statistics.median(seconds), "last_old": max(old)}
            say(f"  {way}: {row['seconds']:.2f} s, last old answer {row['last_old'] * 1000:.0f} ms after the PATCH")
            rows.append(row)
    return rows


def _up(platform: Platform, slot: str, *options: str) -> None:
    platform.set("models.iris.active", slot)
    platform.run("pulumi", "up", "-s", "local", "--yes", "--non-interactive", "--color", "never", *options)


def _patch(platform: Platform, slot: str) -> None:
    patch = json.dumps({"spec": {"selector": {"ml-platform/slot": slot}}})
    platform.run("kubectl", "patch", "service", "iris", "-n", platform.namespace, "--patch", patch)


def _switched(platform: Platform, switch: Callable[[str], None]) -> tuple[float, float]:
    """Switch to the other slot under light load; return wall seconds and those to the last old answer."""
    former = platform.active()
    with (
        tempfile.TemporaryDirectory() as kept,
        Watched(platform) as watched,
        load_on(platform.url(), Path(kept) / "answers", at_least=1, clients=1) as answers,
    ):
        time.sleep(1)
        began = time.time()
        switch(OTHER[former])
        took = time.time() - began
        time.sleep(SETTLED_SECONDS)
    return took, late(answers, version=VERSIONS[former], after=watched.switched_to(OTHER[former], began))
