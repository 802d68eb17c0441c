"""Values that Pulumi keeps encrypted."""

from __future__ import annotations

__all__ = ["Concealed"]


class Concealed(str):
    """Text that Pulumi knows to be a secret: it is encrypted in the state, and starred out in diffs.

    It is text, so that rules look at it as at any other.
    """

    __slots__ = ()
