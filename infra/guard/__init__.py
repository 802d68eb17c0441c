"""The guard of the switch: traffic moves only onto a slot that carries the load.

The decisions are pure functions of what is declared, what was observed and the clock; only the gate waits.
"""

from __future__ import annotations

from infra.guard.declared import DeclaredModel, DeclaredSlot, declare
from infra.guard.gate import Gate, SwitchRefusedError
from infra.guard.run import Guard, Hook

__all__ = ["DeclaredModel", "DeclaredSlot", "Gate", "Guard", "Hook", "SwitchRefusedError", "declare"]
