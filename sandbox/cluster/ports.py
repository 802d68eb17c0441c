"""Ports that are free on this machine, remembered so that a restart keeps them."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

from sandbox.cluster.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["free", "remembered_ports"]

# Below the range that the kernel hands to outgoing connections (ip_local_port_range begins at 32768), so that none of
# them takes a port between its choice and its use, and below NodePorts, which begin at 30000.
FIRST, LAST = 20000, 29999


def remembered_ports(path: Path, names: Sequence[str], address: str) -> dict[str, int]:
    """Return a port a name, from the file where it is known, else chosen free on the address and written there."""

    def completed(known: dict[str, int]) -> dict[str, int]:
        chosen, chooser = dict(known), random.SystemRandom()
        for name in names:
            while name not in chosen:
                port = chooser.randint(FIRST, LAST)
                if port not in chosen.values() and free(address, port):
                    chosen[name] = port
        return chosen

    return remembered(path, completed)


def free(address: str, port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        # Connections of an ended server linger for a minute; servers written in Go do not mind them, nor does this.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
