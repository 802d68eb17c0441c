"""How much proof a switch asks for."""

from __future__ import annotations

from infra.settings.values import Seconds, Section

__all__ = ["Guard"]


class Guard(Section):
    """What stands between a switch and the users: all of it is on unless a stack says otherwise."""

    smoke: bool = True
    """Ask the target slot its smoke request before traffic moves. Off only where pods cannot answer, as on
    simulated nodes; every plan then says so."""

    deadline: Seconds = 600
    """How long an `up` waits for the target slot before it refuses, in seconds. The same as a Deployment's
    `progressDeadlineSeconds` by default, after which Kubernetes itself calls a rollout failed."""
