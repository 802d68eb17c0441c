"""A directory for one preview, which leaves nothing behind: no file, no process, not even of a run that was killed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.process import Processes, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["workplace"]

_PREFIX = "ml-platform-review-"
_OWNER = "owner.json"


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a directory for the time of a block; first end and remove what runs that were killed have left."""
    _clear()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        owner = {"pid": os.getpid(), "identity": identity(os.getpid())}
        (directory / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
        yield directory


def _clear() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            owner = json.loads((directory / _OWNER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # another user's, or one that is being made
        if identity(owner["pid"]) == owner["identity"]:
            continue
        cluster = directory / "cluster"
        if cluster.is_dir():
            processes = Processes(cluster / "run", cluster / "logs")
            processes.stop_all(processes.names()[::-1])
        shutil.rmtree(directory, ignore_errors=True)
