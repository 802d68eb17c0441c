"""What goes wrong with a cluster as a whole."""

from __future__ import annotations

__all__ = ["ClusterError"]


class ClusterError(RuntimeError):
    """The cluster cannot be started, for a reason that the user can mend; the message says how."""
