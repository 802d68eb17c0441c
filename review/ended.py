"""How a review ends, and what stops one."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Ended", "ReviewError"]


class Ended(IntEnum):
    """The command's exit code."""

    FINE = 0
    """The change can be applied, as far as a preview can know; there may be warnings."""
    REFUSED = 1
    """The program, a policy or the API server refuses the change."""
    UNMADE = 2
    """No preview was made: no such branch or stack, or a tool that cannot be had."""
    NO_BASE = 3
    """The base branch's own stack cannot be applied, so that there is nothing to compare with."""
    STOPPED = 130
    """Ctrl-C; nothing is left running."""


class ReviewError(Exception):
    """No preview can be made; the message says what to do."""

    def __init__(self, message: str, ended: Ended = Ended.UNMADE) -> None:
        super().__init__(message)
        self.ended = ended
