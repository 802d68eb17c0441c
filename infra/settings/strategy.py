"""How a new version takes over: two slots and a switch, or one Deployment that is rolled."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from infra.settings.checked import Checked
from infra.settings.duration import duration
from infra.settings.errors import did_you_mean, quote
from infra.settings.values import Section, VersionName

__all__ = ["SLOTS", "Idle", "Rollout", "SlotName", "Slots", "Strategy"]

Strategy = Literal["blue-green", "rolling", "recreate"]
SlotName = Literal["blue", "green"]
SLOTS: tuple[SlotName, SlotName] = ("blue", "green")


class Slots(Section):
    """Which version stands in which slot; an empty slot has none."""

    blue: VersionName | None = None
    """The version in the slot `blue`. None by default: a first version needs one slot only.

    Example: `blue: "7"`
    """

    green: VersionName | None = None
    """The version in the slot `green`. None by default: a first version needs one slot only.

    Example: `green: "8"`
    """

    def version(self, slot: SlotName) -> str | None:
        """Return the version in this slot, or None where it is empty."""
        return self.blue if slot == "blue" else self.green


_SIZES = ("warm", "cold")


def _idle_size(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f'{value} is too small; at least 1, or "cold" for none')
        return value
    if value not in _SIZES:
        hint = did_you_mean(value, _SIZES) if isinstance(value, str) else ""
        shown = quote(value) if isinstance(value, str | int | float) else "nothing" if value is None else "several"
        raise ValueError(f'unknown size {shown}; allowed: "warm", "cold", or a number of pods{hint}')
    return value


class Idle(Section):
    """What the slot that does not serve keeps."""

    size: Annotated[
        Literal["warm", "cold"] | int,
        Checked(
            _idle_size,
            words="`warm`, `cold`, or a number of pods, at least 1",
            schema={"anyOf": [{"enum": list(_SIZES)}, {"type": "integer", "minimum": 1}]},
        ),
    ] = "warm"
    """How many pods the idle slot has. `warm` is `scale.min`, so that a switch or a way back waits for seconds; `cold`
    is none, which costs nothing and makes a way back as slow as a start. A slot that a canary sends requests to is not
    idle, and never cold.

    Upstream: Argo Rollouts `previewReplicaCount`, which by default is the active size.
    Example: `size: cold`
    """

    soak: Annotated[int, duration("0s", "7d")] = 600
    """The time after a switch in which the former slot keeps its size, so that going back is as fast. Ten minutes: two
    rounds of an alert that looks at five. Upstream's default of 30 s is over before anyone has looked.

    Upstream: Argo Rollouts `scaleDownDelaySeconds`.
    Example: `soak: 30m`
    """


_SHARE = re.compile(r"(?:[0-9]|[1-9][0-9]|100)%")


def _share(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{value} is too small; at least 0")
        return value
    if not isinstance(value, str) or not _SHARE.fullmatch(value):
        shown = quote(value) if isinstance(value, str | int | float) else "nothing" if value is None else "several"
        hint = f"; did you mean {value}?" if isinstance(value, str) and value.isdigit() else ""
        raise ValueError(f"bad number of pods {shown}; allowed: a whole number, or a percentage such as 25%{hint}")
    return value


Share = Annotated[
    str | int,
    Checked(
        _share,
        words="number of pods, or a percentage such as `25%`",
        schema={"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^{_SHARE.pattern}$"}]},
    ),
]


class Rollout(Section):
    """How the one Deployment of a `rolling` or `recreate` model changes its pods."""

    max_surge: Share = "25%"
    """How many pods more than wanted may run meanwhile; a share is rounded up. Upstream's default: in a small model
    one new pod goes first. 0 where there is no room for it, as in a pool of GPUs that are all taken.

    Upstream: Deployment `strategy.rollingUpdate.maxSurge`.
    Example: `maxSurge: 1`
    """

    max_unavailable: Share = 0
    """How many pods fewer than wanted may be ready meanwhile; a share is rounded down. None, so that full strength is
    kept; upstream's default is 25 %.

    Upstream: Deployment `strategy.rollingUpdate.maxUnavailable`.
    Example: `maxUnavailable: 1`
    """

    min_ready_seconds: Annotated[int, duration("0s", "1h")] = 0
    """The time that a new pod must stay ready before it counts. Upstream's default; longer where a model fails only
    after its first requests.

    Upstream: Deployment `minReadySeconds`.
    Example: `minReadySeconds: 30`
    """

    progress_deadline_seconds: Annotated[int, duration("1s", "7d")] | None = None
    """The time without a further ready pod after which the rollout has failed. By default upstream's 10 m for pulling
    the image, and on top of it the time that a pod may take to start.

    Default: 10m and `probes.start.within`.
    Upstream: Deployment `progressDeadlineSeconds`.
    Example: `progressDeadlineSeconds: 20m`
    """
