"""What a user does to a model while requests come in; used by the suite (10,000 requests) and the bench (100,000)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from traffic import load_on

if TYPE_CHECKING:
    from pathlib import Path

    from served import Platform
    from traffic import Answer

Step = Callable[["Platform"], None]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Changes one after the other, each an ordinary `pulumi up`, with time in which its effect is seen."""

    name: str
    steps: tuple[Step, ...]
    service: str = "iris"
    pause: float = 2.0
    """Seconds of load before the first step and after each."""


def setting(path: str, value: str) -> Step:
    """One word of the stack's configuration, then `pulumi up`."""

    def step(platform: Platform) -> None:
        platform.set(path, value)
        platform.up()

    return step


BLUE_GREEN_BLUE = Scenario(
    name="blue to green to blue",
    steps=(setting("models.iris.active", "green"), setting("models.iris.active", "blue")),
    pause=5,
)
CANARY = Scenario(
    name="canary 0 to 10 to 50 to 100 to 0",
    steps=tuple(setting("models.iris.canary.percent", share) for share in ("10", "50", "100", "0")),
    pause=3,
)
ROLLING = Scenario(
    name="rolling update and back",
    steps=(setting("models.ranker.version", "2"), setting("models.ranker.version", "1")),
    service="ranker",
    pause=5,
)


def with_rolling_model(platform: Platform) -> None:
    """Add model `ranker`: the example's image without slots, updated pod by pod."""
    config = platform.config()
    models = config["ml-platform:models"]
    iris = models["iris"]
    if "ranker" in models:
        return
    # Pods of three slots and their surge, where the example's quota has room for two.
    config["ml-platform:teams"]["research"]["quota"] = {"requests.cpu": "3", "requests.memory": "8Gi", "pods": "32"}
    kept = ("team", "port", "scale", "resources", "smoke", "versions")
    models["ranker"] = {**{key: iris[key] for key in kept if key in iris}, "strategy": "rolling", "version": "1"}
    platform.write(config)
    platform.up(quick=True)


def under_load(
    platform: Platform, scenario: Scenario, out: Path, *, requests: int, gateway: bool = False, rest: float = 0
) -> list[Answer]:
    """Run a scenario while at least `requests` are sent, and return every answer.

    Each client rests `rest` seconds after an answer: without, it sends what the cores give, and takes them from what
    is tested beside it.
    """
    url = platform.gateway() if gateway else platform.url(scenario.service)
    host = platform.host(scenario.service) if gateway else ""
    with load_on(url, out, at_least=requests, seconds=3600, pause=rest, host=host) as answers:
        time.sleep(scenario.pause)
        for step in scenario.steps:
            step(platform)
            time.sleep(scenario.pause)
    return answers
