"""How many requests are lost while a model changes: the suite's scenarios with ten times as many."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios import BLUE_GREEN_BLUE, CANARY, ROLLING, under_load, with_rolling_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Platform

__all__ = ["measure_load"]

RUNS = ((BLUE_GREEN_BLUE, False), (BLUE_GREEN_BLUE, True), (CANARY, True), (ROLLING, False))


def measure_load(platform: Platform, *, requests: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return a row a scenario: requests sent, failed, and sent a second."""
    platform.reset()
    with_rolling_model(platform)
    rows = []
    for scenario, gateway in RUNS:
        with tempfile.TemporaryDirectory() as kept:
            answers = under_load(platform, scenario, Path(kept) / "answers", requests=requests, gateway=gateway)
        seconds = max(answer.ended for answer in answers) - min(answer.began for answer in answers)
        failed = sum(answer.failed for answer in answers)
        way = "gateway" if gateway else "Service"
        rows.append(
            {
                "scenario": scenario.name,
                "way": way,
                "requests": len(answers),
                "failed": failed,
                "rate": len(answers) / seconds,
            }
        )
        say(f"{scenario.name}, through the {way}: {len(answers):,} requests, {failed} failed")
    return rows
