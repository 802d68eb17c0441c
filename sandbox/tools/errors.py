"""The one error that a user of the tools sees, and the one that only tries the next source."""

from __future__ import annotations

__all__ = ["ToolError", "UnavailableError"]


class ToolError(Exception):
    """A tool cannot be had; the message says why and what to install."""


class UnavailableError(Exception):
    """One source does not answer or does not have the tool; the next source is tried."""
