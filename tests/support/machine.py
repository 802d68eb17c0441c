"""What a sandbox could leave behind on a machine or take from it, as comparable text."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from neighbours import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neighbours import Neighbours

# What a sandbox names after its directory: links, network namespaces, control groups.
NAMED = re.compile(r"\b(?:mlp|ml-platform-docker)-(\w+)")
# A network of some Docker engine: another test's, since a sandbox's own has none (`--bridge=none`).
OF_AN_ENGINE = re.compile(r"\bbr-[0-9a-f]{12}\b")
# What a kubelet, a kube-proxy or a Docker engine would set for the whole machine.
SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv6/conf/all/forwarding",
    "net/netfilter/nf_conntrack_max",
    "fs/inotify/max_user_instances",
)
# Where a user's own clusters, registries and engines are described.
FILES = ("~/.kube", "~/.docker", "~/.pulumi", "/etc/resolv.conf", "/etc/hosts", "/etc/docker", "/etc/containerd")


class Found:
    """A machine as it was before a sandbox in directory `marker`, neighbours included."""

    def __init__(self, marker: Path, neighbours: Neighbours) -> None:
        self.marker, self.neighbours = str(marker), neighbours
        self.before = snapshot(self.marker)
        self.before_there = neighbours.seen()

    def difference(self) -> dict[str, object]:
        """Return what is left behind, taken away or otherwise than it was found; empty when nothing is."""
        left: dict[str, object] = dict(difference(self.before, snapshot(self.marker)))
        now = self.neighbours.seen()
        for name, was in self.before_there.items():
            if now.get(name) != was:
                left[f"neighbour {name}"] = {"was": was, "is": now.get(name)}
        return left


def snapshot(marker: str) -> dict[str, list[str]]:
    """Return mounts, links, routes, firewall rules, namespaces, cgroups, settings, files, listeners and processes.

    Processes and listeners come and go with the rest of the machine, so they count when the process bears `marker`,
    the sandbox's own directory: in its command line, working directory, program or environment, which whatever it
    starts inherits. What another sandbox has named after its own directory comes and goes likewise.
    """
    ours = dict(_processes(marker))
    found = {
        "mounts": sorted(line.split(" ", 2)[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        "links": [name for name in _names(Path("/sys/class/net")) if not name.startswith(PREFIX)],
        "routes": sorted(_command("ip", "route", "show", "table", "all")),
        "firewall rules": sorted(_rules()),
        "network namespaces": _names(Path("/run/netns")),
        "cgroups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/*") if path.is_dir() and _ours(path)),
        "settings": [f"{name} = {_read(Path('/proc/sys') / name)}" for name in SETTINGS],
        "files": sorted(_files()),
        "listening ports": sorted(_listeners(ours)),
        "processes": sorted(f"{pid} {command}" for pid, command in ours.items()),
    }
    own = hashlib.sha256(f"{marker}/.sandbox".encode()).hexdigest()[:8]
    return {
        kind: [line for line in lines if set(NAMED.findall(line)) <= {own} and not OF_AN_ENGINE.search(line)]
        for kind, lines in found.items()
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


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return "not to be read"


def _command(*command: str) -> list[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        return []


def _rules() -> Iterator[str]:
    """Yield every firewall rule with its table, without counters, which traffic changes."""
    table = ""
    for line in _command("nft", "--stateless", "list", "ruleset"):
        table = line if line.startswith("table ") else table
        if PREFIX not in table:
            yield f"{table} {line.strip()}"


def _files() -> Iterator[str]:
    for name in FILES:
        top = Path(name).expanduser()
        for path in [top, *(top.rglob("*") if top.is_dir() else ())]:
            with contextlib.suppress(OSError):
                kept = path.lstat()
                yield f"{path} {kept.st_size if path.is_file() else ''} {kept.st_mtime_ns}"


def _listeners(ours: dict[int, str]) -> list[str]:
    return [
        f"{connection.laddr.ip}:{connection.laddr.port} {ours[connection.pid]}"
        for connection in psutil.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.pid in ours
    ]


def _processes(marker: str) -> Iterator[tuple[int, str]]:
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            places = [str((process / place).readlink()) for place in ("cwd", "exe", "root")]
            environment = (process / "environ").read_bytes()
            if marker in command or any(place.startswith(marker) for place in places) or marker.encode() in environment:
                yield int(process.name), command[:150]
