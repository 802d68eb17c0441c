"""Data roots for Docker engines in the user's cache: one an engine at a time, so that layers outlive sandboxes."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.paths import cache_directory

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Slot", "free_slot"]

# As many sandboxes side by side as anybody runs; each further one would cost another copy of every layer.
_SLOTS = 16


@dataclass(frozen=True)
class Slot:
    """One data root and the file whose lock its engine holds."""

    number: int

    @property
    def directory(self) -> Path:
        """The data root."""
        return cache_directory() / "docker" / str(self.number)

    @property
    def lock(self) -> Path:
        """The file that the engine's processes keep locked."""
        return cache_directory() / "docker" / f"{self.number}.lock"

    @property
    def taken(self) -> bool:
        """Whether an engine uses this data root now."""
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def free_slot() -> Slot:
    """Return the first data root that no engine uses. Raises RuntimeError when all are in use."""
    for number in range(_SLOTS):
        slot = Slot(number)
        if not slot.taken:
            slot.directory.mkdir(parents=True, exist_ok=True)
            return slot
    raise RuntimeError(f"{_SLOTS} Docker engines of sandboxes run already; stop one of them")
