"""What waiting can end with, other than readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.plugins.kubernetes.readiness.cluster import Object

__all__ = ["NotReadyError", "WaitCancelledError", "WaitTimedOutError"]


class NotReadyError(Exception):
    """The object exists, but did not become ready, or did not go away.

    The provider keeps such an object in the state as partially created, with these reasons, so that the next `up`
    goes on from it: `obj` is the object as it was last seen, `reasons` holds what happened first and the causes after.
    """

    def __init__(self, reasons: Sequence[str], obj: Object) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)
        self.obj = obj


class WaitTimedOutError(NotReadyError):
    """The time given for it was over."""


class WaitCancelledError(NotReadyError):
    """The person or the engine asked to stop."""
