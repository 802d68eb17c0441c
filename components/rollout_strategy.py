"""How a Deployment replaces its pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Rollout"]


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The strategy of a Deployment and its patience. Raises ValueError for what the API server refuses.

    As it stands it is a slot's own: a pod goes only when its successor is ready, so that the slot never carries less
    than it did.
    """

    strategy: Literal["rolling", "recreate"] = "rolling"
    """`recreate` ends every pod before the first new one starts: for pools without room for one more."""

    max_surge: int | str = "25%"
    """Pods above the wanted number: Kubernetes' own default, rounded up, so one pod goes first in a small model."""

    max_unavailable: int | str = 0
    """Pods below the wanted number. None, where Kubernetes has 25 %: what serves is not made smaller."""

    min_ready_seconds: int = 0
    """How long a new pod must have been ready before it counts as available: Kubernetes' own default."""

    progress_deadline_seconds: int | None = None
    """After how long without progress a rollout has failed; None for the time to pull and start (`rollout_deadline`)
    and `min_ready_seconds` on top."""

    def __post_init__(self) -> None:
        if self.strategy == "rolling" and _none(self.max_surge) and _none(self.max_unavailable):
            raise ValueError("rollout: maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced")
        if self.progress_deadline_seconds is not None and self.progress_deadline_seconds <= self.min_ready_seconds:
            raise ValueError(
                f"rollout.progressDeadlineSeconds: {self.progress_deadline_seconds} is not above "
                f"minReadySeconds: {self.min_ready_seconds}"
            )

    def deployment(self, *, deadline: int) -> dict[str, Any]:
        """Give the fields of a Deployment's spec; `deadline` is the seconds that a start may take without progress."""
        chosen = self.progress_deadline_seconds
        fields: dict[str, Any] = {
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": deadline + self.min_ready_seconds if chosen is None else chosen,
        }
        if self.strategy == "rolling":
            rolling = {"maxUnavailable": self.max_unavailable, "maxSurge": self.max_surge}
            fields["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        if self.min_ready_seconds:
            fields["minReadySeconds"] = self.min_ready_seconds
        return fields


def _none(amount: int | str) -> bool:
    return str(amount).rstrip("%").strip("0") == ""
