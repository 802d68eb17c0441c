"""One process, told from all others of the same number, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ProcessStatus", "Record", "identity"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is remembered of a started process: enough to find it again, and it alone."""

    name: str
    pid: int
    identity: str
    argv: tuple[str, ...]
    log: str
    since: float
    environment: Mapping[str, str] = field(default_factory=dict)
    restarts: int = 0

    @property
    def alive(self) -> bool:
        """Whether this very process runs: its number may long belong to another one."""
        return self.identity != "" and identity(self.pid) == self.identity


@dataclass(frozen=True, kw_only=True)
class ProcessStatus:
    """One line of `sandbox status`. Memory is resident bytes, uptime seconds, restarts those of a supervisor."""

    name: str
    pid: int | None
    alive: bool
    healthy: bool
    detail: str
    memory: int
    uptime: float
    restarts: int = 0


def identity(pid: int) -> str | None:
    """Return what tells this process from all others of the same number, or None when it has ended.

    The kernel's boot id and the process's start in clock ticks (field 22 of proc_pid_stat(5)): unlike a start time
    in seconds it does not move when the clock is set. A zombie has ended, whoever has yet to collect it, but not before
    its last thread (field 20): a killed server's main thread is one while others still hold its sockets, and the port
    is not free.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX" and int(fields[17]) <= 1:
        return None
    return f"{boot}/{fields[19]}"
