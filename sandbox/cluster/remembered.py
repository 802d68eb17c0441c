"""What a sandbox chose once, addresses and ports, and keeps in a file from then on."""

from __future__ import annotations

import contextlib
import fcntl
import json
from typing import TYPE_CHECKING, Any

from sandbox.cluster.files import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["remembered"]


def remembered(path: Path, choose: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return what a JSON file holds, completed by `choose` with what is not known yet, which is then written there.

    Whoever asks at the same moment, a thread of this process or another command, gets the same answer: a cluster and
    the Docker engine beside it start at once, and both ask for the network first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            known = json.loads(path.read_text())
        chosen = choose(known)
        write(path, json.dumps(chosen))
        return chosen
