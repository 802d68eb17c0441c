"""How long the kernel lets a process of the suite run before another's turn."""

from __future__ import annotations

import os

__all__ = ["long_turns", "usual_turns"]


def long_turns() -> None:
    """Let this process and all that it starts run on while others wake up (SCHED_BATCH, sched(7)).

    Twenty processes on two cores take turns 25,000 times a second otherwise, each with cold caches: four stacks beside
    each other took 20.8 s for six `pulumi up` each, and take 18.6 s like this (means of four runs each, in turn).
    """
    _choose("SCHED_BATCH")


def usual_turns() -> None:
    """Have this process and all that it starts scheduled like any other, where something is measured."""
    _choose("SCHED_OTHER")


def _choose(policy: str) -> None:
    if hasattr(os, policy):  # Linux
        os.sched_setscheduler(0, getattr(os, policy), os.sched_param(0))
