"""What a sandbox could leave behind on a machine, as comparable text."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

import psutil


def snapshot(marker: str) -> dict[str, list[str]]:
    """Return mounts, links, routes, firewall tables, namespaces, cgroups, listeners, and processes of `marker`.

    Processes and listeners come and go with the rest of the machine, so processes count when
    their command line or working directory names `marker`, the sandbox's own directory.
    """
    return {
        "mounts": sorted(line.split(" ", 2)[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        "links": _names(Path("/sys/class/net")),
        "routes": _command("ip", "route", "show", "table", "all"),
        "firewall tables": _command("nft", "list", "tables"),
        "network namespaces": _names(Path("/run/netns")),
        "cgroups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/*") if path.is_dir() and _ours(path)),
        "listening ports": sorted(_listeners(marker)),
        "processes": sorted(_processes(marker)),
    }


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, dict[str, list[str]]]:
    """Return what was left behind and what was taken away, a kind of thing at a time; empty when nothing was."""
    return {
        kind: {
            "left behind": sorted(set(after[kind]) - set(before[kind])),
            "taken away": sorted(set(before[kind]) - set(after[kind])),
        }
        for kind in before
        if set(before[kind]) != set(after[kind])
    }


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def _ours(path: Path) -> bool:
    return bool(re.search(r"kube|containerd|docker|ml-platform|sandbox|^mlp-", path.name))


def _command(*command: str) -> list[str]:
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return []
    return sorted(line.strip() for line in shown.splitlines())


def _listeners(marker: str) -> list[str]:
    """Return listening ports whose process belongs to the sandbox; those of others come and go."""
    found = []
    for connection in psutil.net_connections(kind="inet"):
        if connection.status != psutil.CONN_LISTEN or connection.pid is None:
            continue
        with contextlib.suppress(psutil.Error):
            owner = psutil.Process(connection.pid)
            if marker in " ".join(owner.cmdline()) or owner.cwd().startswith(marker):
                found.append(f"{connection.laddr.ip}:{connection.laddr.port} {owner.name()}")
    return found


def _processes(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        if process.name != str(os.getpid()) and (marker in command or where.startswith(marker)):
            found.append(f"{process.name} {command[:150]}")
    return found
