"""A `make up` that is under way, known to the `make down` that comes meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import psutil

from sandbox.process import identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.paths import Layout
    from sandbox.process import Report

__all__ = ["interrupt", "under_way"]

# Pulumi ends what it is writing, and a starting cluster is waited for: after that it is killed, which both survive.
END_SECONDS = 10.0


@contextlib.contextmanager
def under_way(layout: Layout) -> Iterator[None]:
    """Note, as long as this lasts, that this process brings the sandbox up."""
    layout.root.mkdir(parents=True, exist_ok=True)
    note = layout.root / f"up-{os.getpid()}"
    note.write_text(identity(os.getpid()) or "")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def interrupt(layout: Layout, report: Report) -> None:
    """End every `make up` of this sandbox as Ctrl-C would: what it builds or applies ends with it."""
    for note in layout.root.glob("up-*"):
        pid = int(note.name.removeprefix("up-"))
        if pid != os.getpid() and _runs(note, pid):
            report(f"interrupting the `make up` that is under way (pid {pid})")
            _end(note, pid)
        note.unlink(missing_ok=True)


def _end(note: Path, pid: int) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        for member in _foreground(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)
        end = time.monotonic() + END_SECONDS
        while _runs(note, pid) and time.monotonic() < end:
            time.sleep(0.05)


def _runs(note: Path, pid: int) -> bool:
    """Whether this very process still runs; its note may go at any moment, which says that it is through."""
    try:
        return note.read_text() == identity(pid) != ""
    except FileNotFoundError:
        return False


def _foreground(pid: int) -> list[int]:
    """Return the process and what it waits for. Daemons are in groups of their own and are not among them.

    Not the whole group: a script or a test may be in it that only calls `make up`.
    """
    found = [pid]
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        group = os.getpgid(pid)
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(child.pid) == group:
                    found.append(child.pid)
    return found
