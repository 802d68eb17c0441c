"""How much proof a switch asks for."""

from __future__ import annotations

from typing import Annotated

from infra.settings.duration import duration
from infra.settings.values import Section

__all__ = ["Guard"]


class Guard(Section):
    """What stands between a switch and the users: all of it is on unless a stack says otherwise."""

    smoke: bool = True
    """Ask the target slot its smoke request before traffic moves. Off only where pods cannot answer, as on
    simulated nodes; every plan then says so.

    Upstream: Argo Rollouts `prePromotionAnalysis`.
    Example: `smoke: false`
    """

    deadline: Annotated[int, duration("1s", "7d")] = 600
    """How long an `up` waits for the target slot before it refuses. The same as a Deployment's
    `progressDeadlineSeconds` by default, after which Kubernetes itself calls a rollout failed.

    Upstream: Deployment `progressDeadlineSeconds`.
    Example: `deadline: 15m`
    """
