"""The end of a run whose pods would find no room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from infra.capacity.proof import Proof

__all__ = ["refuse"]


def refuse(proof: Proof | None) -> None:
    """Raise pulumi.RunError, which the engine shows without a traceback, with every reason there is."""
    if proof is not None and (mistakes := proof.mistakes):
        listed = "\n".join(map(str, mistakes))
        raise pulumi.RunError(f"what the stack declares finds no room on its pools; nothing was touched:\n{listed}")
