"""What to do where a rollout finds no room for its first new pod. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.observed.state import ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.guard.declared import DeclaredModel
    from infra.observed.state import Reason

__all__ = ["GPU", "proposal", "room"]

GPU = "nvidia.com/gpu"


def room(model: DeclaredModel, reasons: Iterable[Reason]) -> str | None:
    """Propose what fits where no new pod finds room beside the former ones; None where that is not what is wrong.

    The scheduler says `0/3 nodes are available: 3 Insufficient nvidia.com/gpu`, a quota names what is exceeded.
    """
    full = [reason for reason in reasons if reason.kind in (ReasonKind.UNSCHEDULABLE, ReasonKind.QUOTA)]
    if model.rollout is None or not full:
        return None
    what = GPU if any(GPU in reason.text for reason in full) else "room"
    if model.rollout.beside:
        return f"there is no {what} for a pod beside the former ones: {proposal(model)}"
    return f"there is no {what} for its pods: give the team or the node pool more, or lower scale"


def proposal(model: DeclaredModel) -> str:
    """Name the settings with which a rollout needs no more room than what serves."""
    place = f"models.{model.name}"
    return f"set {place}.rollout to {{maxSurge: 0, maxUnavailable: 1}}, or {place}.strategy to recreate"
