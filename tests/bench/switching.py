"""How long a switch takes, by size of the stack, and `kubectl patch` beside it."""

from __future__ import annotations

import copy
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        objects = _grow(platform, size)
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


def _grow(platform: Platform, size: int) -> int:
    """Add teams until the stack has about `size` objects, bring it up, and return how many it has."""
    config = copy.deepcopy(platform.config())
    teams = config["ml-platform:teams"]
    before = _objects(platform)
    if before < size:
        each = sum("TeamNamespace$" in resource["urn"] for resource in _resources(platform)) // len(teams)
        for number in range(len(teams), len(teams) + (size - before) // each):
            teams[f"team-{number}"] = {"quota": {"requests.cpu": "1", "requests.memory": "1Gi", "pods": "1"}}
        platform.write(config)
        platform.up(timeout=1800)
    return _objects(platform)


def _resources(platform: Platform) -> list[dict[str, Any]]:
    state = json.loads(platform.json_text("pulumi", "stack", "export", "-s", "local"))
    kubernetes = "kubernetes:"
    return [r for r in state["deployment"]["resources"] if r["custom"] and r["type"].startswith(kubernetes)]


def _objects(platform: Platform) -> int:
    return len(_resources(platform))


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
