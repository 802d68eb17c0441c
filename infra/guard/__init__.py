"""The guard of the switch: traffic moves only onto a slot that carries the load.

The decisions are pure functions of what is declared, what was observed and the clock; only the gate waits.
"""

from __future__ import annotations

from infra.guard.declare import declare
from infra.guard.declared import DeclaredModel, DeclaredRollout, DeclaredSlot
from infra.guard.gate import Gate
from infra.guard.ledger import Ledger
from infra.guard.refused import SwitchRefusedError
from infra.guard.run import Guard, Hook

__all__ = [
    "DeclaredModel",
    "DeclaredRollout",
    "DeclaredSlot",
    "Gate",
    "Guard",
    "Hook",
    "Ledger",
    "SwitchRefusedError",
    "declare",
]
