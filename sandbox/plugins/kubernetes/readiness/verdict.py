"""The three answers that a rule can give about an object, each with a sentence for the person who waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object

__all__ = ["Rule", "State", "Verdict", "failed", "no_explanation", "ready", "stuck", "waiting"]


class State(StrEnum):
    """Where an object stands on its way to readiness."""

    READY = "ready"
    WAITING = "waiting"
    STUCK = "stuck"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """What a rule makes of an object as it is now.

    `says` is one short sentence without a closing full stop: it is shown as a status line, and reasons may follow it.
    """

    state: State
    says: str


def ready(says: str) -> Verdict:
    """Nothing more to wait for."""
    return Verdict(State.READY, says)


def waiting(says: str) -> Verdict:
    """Not there yet, and waiting may help."""
    return Verdict(State.WAITING, says)


def stuck(says: str) -> Verdict:
    """Its controller has given up, unless the sign of that is left over from before our change.

    The waiting code turns it into a failure when it lasts; see `SETTLING` in `waiting.py`.
    """
    return Verdict(State.STUCK, says)


def failed(says: str) -> Verdict:
    """No waiting will cure it."""
    return Verdict(State.FAILED, says)


def no_explanation(cluster: Cluster, obj: Object) -> list[str]:  # noqa: ARG001  one signature for every kind
    """Explain nothing: the verdict of such a kind already says all there is to know."""
    return []


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one kind becomes ready.

    `judge` is asked at every poll and should cost no request where the object's own status tells; `explain` may list
    pods and events, so it is asked rarely. Timeouts are in seconds.
    """

    judge: Callable[[Cluster, Object], Verdict]
    explain: Callable[[Cluster, Object], list[str]] = no_explanation
    timeout: float
    delete_timeout: float = 300.0
