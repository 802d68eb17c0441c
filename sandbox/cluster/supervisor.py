"""Starts a node's daemons again when they die, as systemd does on a server (Restart=always).

Run as a daemon of its own: `python -m sandbox.cluster.supervisor RUN LOGS HOLDER NAME...`. It ends by itself when the
process HOLDER, and with it the namespaces that the daemons are in, has ended.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.namespaces import entering
from sandbox.process import Processes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Backoff", "supervise"]

# Looks this often: six small files and six lines of /proc, a thousandth of a processor.
POLL_SECONDS = 0.25
# Of restarts that follow each other: half a second, then twice as long each time, as a kubelet does with containers.
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0
# One that ran this long was not broken: the next time it is started again at once.
STEADY_SECONDS = 60.0


class Backoff:
    """How long one daemon's next restart is put off."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._due = 0.0

    def due(self, now: float, since: float) -> bool:
        """Whether a daemon that ran from `since` and is dead at `now` is started again now (seconds of the epoch)."""
        if self._due == 0.0:
            self._delay = 0.0 if now - since > STEADY_SECONDS else min(2 * self._delay, LONGEST_SECONDS)
            self._due = now + self._delay
        if now < self._due:
            return False
        self._delay = max(self._delay, FIRST_SECONDS / 2)
        self._due = 0.0
        return True


def supervise(processes: Processes, names: Sequence[str]) -> None:
    """Start what has died again until the namespaces have ended. What was stopped has no record and stays so."""
    waiting = {name: Backoff() for name in names}
    while processes.alive("namespaces"):
        for name, backoff in waiting.items():
            record = processes.record(name)
            if record is not None and not record.alive and backoff.due(time.time(), record.since):
                processes.restart(name)
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Run until the namespaces end."""
    run, logs, holder, *names = sys.argv[1:]
    supervise(Processes(Path(run), Path(logs), prefix=entering(int(holder))), names)


if __name__ == "__main__":
    main()
