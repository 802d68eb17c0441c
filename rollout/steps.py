"""Which shares a rollout goes through, from wherever it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.target import Target

__all__ = ["ALL", "steps_of"]

ALL = 100
"""Percent."""


def steps_of(target: Target) -> list[int]:
    """Return the shares in percent to be watched, in order; the switch comes after the last.

    A rollout that is under way goes on with the share that it has, which is watched anew: nothing is known of it.

    At 100 % the active slot answers nobody, so that it must have been measured before: where that is the first step,
    the one below it is put in front, or a look at 0 %, which is the active slot alone.

    Without a gateway a share is one of pods behind one Service, and all of them would be the switch itself.
    """
    wanted = [step for step in target.analysis.steps if not (target.coarse and step == ALL)]
    if not wanted:
        wanted = [ALL // 2]
    left = [step for step in wanted if step >= target.percent] or [wanted[-1]]
    if left[0] == ALL and target.analysis.compares:
        left.insert(0, max((step for step in wanted if step < ALL), default=0))
    return left
