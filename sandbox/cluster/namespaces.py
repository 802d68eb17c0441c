"""Private network, mount and pid namespaces: what is started in them leaves nothing on the machine."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.commands import run
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.mount_points import mount_points, remove_mount_points
from sandbox.process import Processes, identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.process import Record

__all__ = ["UNSHARE", "Namespaces", "entering"]

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--propagation", "private", "--fork", "--mount-proc")
HOLDER = Path(__file__).with_name("holder.py")
TIMEOUT = 10.0
# What a kubelet would set for the whole machine at its start. It leaves a value alone that is as it wants it: it is
# shown files with these values instead, and the machine keeps its own.
TUNABLES = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def entering(holder: int) -> list[str]:
    """Return the words that make a command run in the namespaces of this process."""
    return ["nsenter", "-t", str(holder), "-n", "-m", "-p", "--"]


class Namespaces:
    """The namespaces of one sandbox, held open by a small process of their own."""

    def __init__(self, name: str, processes: Processes, directory: Path) -> None:
        self.name = name
        self._processes = processes
        self._directory = directory

    @property
    def alive(self) -> bool:
        """Whether they exist."""
        return self._processes.alive("namespaces")

    @property
    def pid(self) -> int:
        """The holder's pid on this machine."""
        record = self._processes.record("namespaces")
        if record is None:
            raise ClusterError("the cluster's namespaces do not exist: it is not running")
        return record.pid

    @property
    def prefix(self) -> list[str]:
        """The words that make a command run inside."""
        return entering(self.pid)

    def start(self, mounts: Mapping[str, Path]) -> bool:
        """Make the namespaces unless they exist, with directories of ours in place of the machine's.

        Returns whether they were made. Only when all mounts are in place does the marker file say that they are
        complete: what a killed start left half made is ended and made again.
        """
        complete = self._directory / "namespaces-complete"
        if self.alive and complete.exists() and complete.read_text() == str(self.pid):
            return False
        self.stop()
        holder = Processes(self._processes.run, self._processes.logs, prefix=UNSHARE)
        record = holder.start("namespaces", [sys.executable, "-I", HOLDER, self.name])
        self._wait_for(record)
        with mount_points(mounts):
            run([*self.prefix, "sh", "-euc", self._script(mounts)])
        complete.write_text(str(record.pid))
        return True

    def stop(self) -> None:
        """End every process inside, and the namespaces with them."""
        record = self._processes.record("namespaces")
        if record is None:
            record = self._unrecorded()
        if record is not None:
            inside = self._members(record)
            self._processes.kill(record, signal.SIGKILL)
            end = time.monotonic() + TIMEOUT
            while any(identity(pid) == known for pid, known in inside.items()) and time.monotonic() < end:
                time.sleep(0.02)
        self._processes.stop("namespaces")
        (self._directory / "namespaces-complete").unlink(missing_ok=True)
        remove_mount_points()

    def _members(self, record: Record) -> dict[int, str]:
        """Return the processes inside, and those outside that wait for one inside."""
        if not record.alive:
            return {}
        namespace = Path(f"/proc/{record.pid}/ns/pid").readlink()
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if namespace in ((path / "ns/pid").readlink(), (path / "ns/pid_for_children").readlink()):
                    found[int(path.name)] = identity(int(path.name)) or ""
            except OSError:
                continue
        return found

    def _unrecorded(self) -> Record | None:
        """Return the holder that a start, killed before it could write it down, left behind."""
        argv = tuple(str(word) for word in (sys.executable, "-I", HOLDER, self.name))
        if self._processes.find(argv) is None:
            return None
        return Processes(self._processes.run, self._processes.logs, prefix=UNSHARE).start("namespaces", argv)

    def _wait_for(self, record: Record) -> None:
        """Wait until the holder itself runs: by then its namespaces and its /proc are there."""
        end = time.monotonic() + TIMEOUT
        while record.alive and time.monotonic() < end:
            try:
                words = Path(f"/proc/{record.pid}/cmdline").read_bytes().decode().split("\0")
            except OSError:
                break
            if str(HOLDER) in words and "unshare" not in words[0]:
                return
            time.sleep(0.01)
        raise ClusterError(f"namespaces cannot be made:\n{self._processes.tail('namespaces')}")

    def _script(self, mounts: Mapping[str, Path]) -> str:
        lines = [
            # Pods that mount what others mount need propagation; it ends at the namespace, made private before.
            "mount --make-rshared /",
            "mount -t tmpfs -o mode=755 tmpfs /run",
        ]
        for where, ours in mounts.items():
            ours.mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(ours))} {where}")
        values = self._directory / "tunables"
        for name, value in TUNABLES.items():
            file = values / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(value + "\n")
            lines.append(f"[ ! -e /proc/sys/{name} ] || mount --bind {shlex.quote(str(file))} /proc/sys/{name}")
        return "\n".join(lines)
