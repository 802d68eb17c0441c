"""How a rollout ends."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Ended"]


class Ended(IntEnum):
    """The command's exit code."""

    DONE = 0
    """The new version serves all users; or, with --back, none."""
    WENT_BACK = 1
    """The canary was bad, or could not be judged; all users are on the former version."""
    REFUSED = 2
    """Nothing was touched."""
    STUCK = 3
    """`pulumi up` failed on the way back as well, or another update runs: somebody has to look."""
    STOPPED = 130
    """Ctrl-C: the share stays where it is. As a shell reports a command that SIGINT ended."""
