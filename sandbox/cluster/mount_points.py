"""Empty directories of this machine over which sandboxes mount their own: made where missing, removed by the last."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.files import write
from sandbox.paths import cache_directory
from sandbox.tools.cache import locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["mount_points", "remove_mount_points"]


@contextlib.contextmanager
def mount_points(paths: Iterable[str]) -> Iterator[None]:
    """Make what is missing, note it, and keep other sandboxes from removing any of it until all is mounted."""
    with locked(_notes().with_suffix(".lock"), "mount points", _silent):
        made = _made()
        for path in paths:
            if not Path(path).exists():
                made.add(path)
                # Noted before it is made: what a killed start leaves is known to the next.
                write(_notes(), json.dumps(sorted(made)))
                Path(path).mkdir(parents=True)
        yield


def remove_mount_points() -> None:
    """Remove what sandboxes of this user made, where it is empty and no other sandbox is mounted there.

    That must be asked: the kernel lets a directory be removed that is a mount point in another namespace only, and
    takes the mount away with it.
    """
    if not _notes().exists():
        return
    with locked(_notes().with_suffix(".lock"), "mount points", _silent):
        mounted = _mounted_anywhere()
        for path in (kept := _made()) - mounted:
            with contextlib.suppress(OSError):
                Path(path).rmdir()
            kept.discard(path)
        if kept:
            write(_notes(), json.dumps(sorted(kept)))
        else:
            _notes().unlink()


def _notes() -> Path:
    return cache_directory() / "mount-points.json"


def _made() -> set[str]:
    try:
        return set(json.loads(_notes().read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return set()


def _mounted_anywhere() -> set[str]:
    """Return the mount points of every mount namespace that a process is in (proc_pid_mountinfo(5), field 5)."""
    seen: set[str] = set()
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            namespace = str((process / "ns/mnt").readlink())
            if namespace not in seen:
                found.update(line.split()[4] for line in (process / "mountinfo").read_text().splitlines())
                seen.add(namespace)
    return found


def _silent(_: str) -> None:
    """Say nothing of waiting: no other sandbox holds the lock for longer than it takes to mount."""
