"""Stacks of a size: teams are added, which cost no pods."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from served import Platform

__all__ = ["everything", "grow", "objects"]

# Nothing of it is kept: the bench takes its teams away again.
TEAM = {"quota": {"requests.cpu": "1", "requests.memory": "1Gi", "pods": "1"}, "protect": False}


def grow(platform: Platform, size: int) -> int:
    """Add teams until the stack has about `size` objects, bring it up, and return how many it has."""
    config = copy.deepcopy(platform.config())
    teams = config["ml-platform:teams"]
    before = objects(platform)
    if before < size:
        each = sum("TeamNamespace$" in resource["urn"] for resource in _resources(platform)) // len(teams)
        for number in range(len(teams), len(teams) + (size - before) // each):
            teams[f"team-{number}"] = dict(TEAM)
        platform.write(config)
        platform.up(timeout=1800)
    return objects(platform)


def objects(platform: Platform) -> int:
    """Return how many Kubernetes objects the stack has."""
    return len(_resources(platform))


def everything(platform: Platform) -> int:
    """Return how many resources the stack has, components included: those that a policy pack is asked about."""
    return len(_state(platform))


def _resources(platform: Platform) -> list[dict[str, Any]]:
    return [each for each in _state(platform) if each["custom"] and each["type"].startswith("kubernetes:")]


def _state(platform: Platform) -> list[dict[str, Any]]:
    state = json.loads(platform.json_text("pulumi", "stack", "export", "-s", "local"))
    return list(state["deployment"]["resources"])
