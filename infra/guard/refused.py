"""The one error with which the guard ends a run."""

from __future__ import annotations

import pulumi

__all__ = ["SwitchRefusedError"]


class SwitchRefusedError(pulumi.RunError):
    """A switch that is not carried out; the message names slot, reason and cure. Printed without a traceback."""
