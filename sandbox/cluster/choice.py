"""Which nodes this machine can have, found out by trying."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sandbox.cluster.cgroups import enable_controllers, hierarchies
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.files import write
from sandbox.cluster.kind import kind_obstacle
from sandbox.cluster.namespaces import UNSHARE
from sandbox.cluster.real import CNI_DIRECTORIES

if TYPE_CHECKING:
    from sandbox.paths import Layout

__all__ = ["Nodes", "choose_nodes", "real_obstacle", "remember_nodes", "remembered_nodes"]

Kind = Literal["kind", "real", "simulated"]

KINDS: tuple[Kind, ...] = ("kind", "real", "simulated")
# Programs of distribution packages that a real node is made of.
PROGRAMS = ("containerd", "ctr", "runc", "nft", "ip", "docker-registry", "busybox")
# Programs of every Linux system.
SYSTEM = ("unshare", "nsenter", "mount")
CAP_SYS_ADMIN = 21
TIMEOUT = 20.0


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Nodes of kind, real ones of our own or simulated ones, and why."""

    kind: Kind
    why: str


def choose_nodes(layout: Layout | None = None) -> Nodes:
    """Return kind where a Docker engine and its node image can be had, else real nodes, else simulated ones.

    SANDBOX_NODES=kind, real or simulated decides instead; without it, a sandbox that is up keeps the nodes that it has.
    Packages that are missing are no reason against real nodes where they can be installed.
    """
    wanted = os.environ.get("SANDBOX_NODES", "")
    for kind in KINDS:
        if wanted == kind:
            return Nodes(kind=kind, why="SANDBOX_NODES asks for it")
    if wanted:
        raise ClusterError(f"SANDBOX_NODES={wanted}: it may be {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    chosen = None if layout is None else remembered_nodes(layout)
    if chosen is not None:
        return chosen
    no_kind = kind_obstacle()
    if no_kind is None:
        return Nodes(kind="kind", why="a Docker engine answers, and has or can pull kind's node image")
    obstacle = real_obstacle()
    if obstacle is not None:
        return Nodes(kind="simulated", why=f"{obstacle} (no kind: {no_kind})")
    return Nodes(
        kind="real", why=f"root, namespaces, control groups and the needed programs are there (no kind: {no_kind})"
    )


def remembered_nodes(layout: Layout) -> Nodes | None:
    """Return the nodes of the sandbox that is up in this directory, or None when none is."""
    try:
        return Nodes(**json.loads((layout.cluster / "nodes.json").read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def remember_nodes(layout: Layout, nodes: Nodes | None) -> None:
    """Write down which nodes the sandbox has, and why; None when it has none any more."""
    path = layout.cluster / "nodes.json"
    if nodes is None:
        path.unlink(missing_ok=True)
    else:
        write(path, json.dumps(asdict(nodes)))


def real_obstacle() -> str | None:
    """Return None when this machine can have real nodes of our own, or the first reason that it cannot."""
    if sys.platform != "linux":
        return f"real nodes need Linux, and this is {sys.platform}"
    if os.geteuid() != 0:
        return "real nodes need root"
    if not _has_capability(CAP_SYS_ADMIN):
        return "root lacks CAP_SYS_ADMIN here, as in a container without privileges"
    absent = [program for program in SYSTEM if shutil.which(program) is None]
    if absent:
        return f"not on PATH: {', '.join(absent)}"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if not any((directory / "bridge").exists() for directory in CNI_DIRECTORIES):
        missing.append("containernetworking-plugins")
    if missing and shutil.which("apt-get") is None:
        return f"missing, and there is no apt-get to install them: {', '.join(missing)}"
    return _groups_obstacle() or _namespaces_obstacle()


def _has_capability(number: int) -> bool:
    with open("/proc/self/status") as status:  # noqa: PTH123
        for line in status:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _groups_obstacle() -> str | None:
    probe = f"mlp-probe-{os.getpid()}"
    controllers: set[str] = set()
    for mount in hierarchies():
        available = mount / "cgroup.controllers"
        names = available.read_text().split() if available.exists() else mount.name.split(",")
        try:
            enable_controllers(mount)
            (mount / probe).mkdir()
        except OSError as error:
            if {"memory", "cpu"} & set(names):
                return f"control groups cannot be made: {error}"
            continue
        controllers.update(names)
        with contextlib.suppress(OSError):
            (mount / probe).rmdir()
    lacking = sorted({"memory", "cpu"} - controllers)
    return f"no control groups for {' and '.join(lacking)}" if lacking else None


def _namespaces_obstacle() -> str | None:
    """Make the namespaces and in them what the cluster will make: a tmpfs, a veth pair, a firewall table."""
    steps = ["mount -t tmpfs tmpfs /run"]
    if shutil.which("ip"):
        steps.append("ip link add probe0 type veth peer name probe1")
        steps.append("ip link add probe2 type bridge")
    if shutil.which("nft"):
        steps.append("nft add table ip probe")
    argv = [*UNSHARE, "sh", "-ec", "\n".join(steps)]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"namespaces cannot be made: {error}"
    if result.returncode != 0:
        return f"namespaces cannot be made or used: {result.stderr.strip()}"
    return None
