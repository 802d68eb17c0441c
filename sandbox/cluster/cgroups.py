"""The control group that holds a sandbox's pods, in whichever hierarchies this machine has."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

__all__ = ["enable_controllers", "hierarchies", "make_groups", "remove_groups"]

# The kernel lets go of an ended process's group a moment after the process.
REMOVAL_SECONDS = 5.0
# What a kubelet limits pods by, and asks for in its root group where the machine has it.
CONTROLLERS = ("cpu", "memory", "pids", "cpuset", "io", "hugetlb")


def hierarchies() -> list[Path]:
    """Return where control groups are mounted: one place for version 2, one a controller for version 1."""
    mounts = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            mounts.append(Path(where))
    return mounts


def enable_controllers(mount: Path) -> None:
    """Let groups of a version 2 hierarchy have what a kubelet needs; version 1 has nothing to enable.

    Raises `OSError` where the hierarchy's own group holds processes, as in a container that was given a part of one.
    """
    available = mount / "cgroup.controllers"
    if not available.exists():
        return
    wanted = [controller for controller in CONTROLLERS if controller in available.read_text().split()]
    enabled = (mount / "cgroup.subtree_control").read_text().split()
    missing = [f"+{controller}" for controller in wanted if controller not in enabled]
    if missing:
        (mount / "cgroup.subtree_control").write_text(" ".join(missing))


def make_groups(name: str) -> None:
    """Make the group in every hierarchy: a kubelet refuses a root that does not exist."""
    for mount in hierarchies():
        available = mount / "cgroup.controllers"
        enable_controllers(mount)
        group = mount / name
        group.mkdir(exist_ok=True)
        # Version 1 starts a group without processors or memory nodes, and no process may enter it.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if not available.exists() and (group / setting).exists():
                (group / setting).write_text((mount / setting).read_text())


def remove_groups(name: str) -> list[Path]:
    """Remove the group and all below it, whose processes must have been ended; return what could not be removed."""
    end = time.monotonic() + REMOVAL_SECONDS
    while left := [mount / name for mount in hierarchies() if (mount / name).exists()]:
        for group in left:
            for directory in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    directory.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
        if time.monotonic() > end:
            return left
        time.sleep(0.05)
    return []
