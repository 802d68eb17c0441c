"""Daemons that outlive the command that started them, known by a record each and never by name."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from sandbox.process_record import ProcessStatus, Record, identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ProcessError", "ProcessStatus", "Processes", "Record", "Report", "file_watch_hint", "identity"]

Report = Callable[[str], None]

# Short enough that a start of half a second is not rounded up, long enough to cost no CPU.
POLL_SECONDS = 0.05
# Nothing is silent for more than five seconds: the promise of `make up`. One health check may take three of them.
REPORT_SECONDS = 2.0
# A killed process of 300 MB on a busy machine needs tenths of a second until its memory and its sockets are gone.
KILLED_SECONDS = 5.0
# A log larger than this is set aside at the next start, so that a sandbox left running never fills the disk.
LOG_LIMIT = 20 * 1024 * 1024


class ProcessError(RuntimeError):
    """A daemon died or did not become healthy in time; the message ends with the end of its log."""


class Processes:
    """The daemons of one directory: records in `run`, logs in `logs`.

    With a `prefix` such as `nsenter -t 42 -n -m -p --` every daemon is started through it, and the process recorded
    is the real one, the prefix's only child, so that a signal sent to its pid reaches it.
    """

    def __init__(self, run: Path, logs: Path, *, prefix: Sequence[str] = ()) -> None:
        self.run = run
        self.logs = logs
        self.prefix = tuple(prefix)
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Record:
        """Start a daemon unless it runs already, and return its record.

        A process with the same command line that has no record is taken over: it was started by a command that was
        killed before it could write one. The environment is not inherited, as proxy settings of the caller would
        send the cluster's own traffic away.
        """
        with self._locked():
            record = self.record(name)
            if record is not None and record.alive:
                return record
            words = tuple(str(word) for word in argv)
            return self._start(name, words, environment or {}, adopted=self.find(words))

    def restart(self, name: str) -> Record | None:
        """Start a daemon that has died once more, as it was started; None when it runs or was stopped."""
        with self._locked():
            record = self.record(name)
            if record is None or record.alive:
                return None
            return self._start(name, record.argv, record.environment, restarts=record.restarts + 1)

    def _start(
        self,
        name: str,
        words: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        adopted: int | None = None,
        restarts: int = 0,
    ) -> Record:
        log = self._log(name)
        pid = adopted
        if pid is None:
            # The directories of root's tools, which an ordinary user's PATH may lack, are added.
            settings = {
                "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
                "HOME": str(self.run),
                "LANG": "C.UTF-8",
            }
            with log.open("ab") as output:
                child = subprocess.Popen(
                    [*self.prefix, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=settings | dict(environment),
                    start_new_session=True,
                )
            self._children.append(child)
            pid = _only_child(child) if self.prefix else child.pid
        # A process that has ended by now gets an identity that never matches: it counts as dead, and its log is shown.
        record = Record(
            name=name,
            pid=pid,
            identity=identity(pid) or "",
            argv=words,
            log=str(log),
            since=time.time(),
            environment=dict(environment),
            restarts=restarts,
        )
        path = self.run / f"{name}.json"
        written = path.with_suffix(f".{os.getpid()}.tmp")
        written.write_text(json.dumps(asdict(record), indent=1))
        written.replace(path)
        return record

    def stop(self, name: str, *, grace: float = 5.0) -> None:
        """End a daemon with SIGTERM and, after `grace` seconds, SIGKILL; forget its record."""
        with self._locked():
            self._stop(name, grace)

    def stop_all(self, names: Sequence[str], *, grace: float = 5.0) -> None:
        """End several daemons, in order, all of them asked before any is waited for."""
        with self._locked():
            for name in names:
                record = self.record(name)
                if record is not None:
                    self.kill(record, signal.SIGTERM)
            end = time.monotonic() + grace
            for name in names:
                self._stop(name, max(0.0, end - time.monotonic()))

    def _stop(self, name: str, grace: float) -> None:
        record = self.record(name)
        if record is not None:
            self.kill(record, signal.SIGTERM)
            if not self._ended(record, grace):
                self.kill(record, signal.SIGKILL)
                self._ended(record, KILLED_SECONDS)
        (self.run / f"{name}.json").unlink(missing_ok=True)

    def kill(self, record: Record, number: signal.Signals) -> None:
        """Send a signal to exactly the process that was recorded."""
        if record.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, number)

    def record(self, name: str) -> Record | None:
        """Return what is remembered of a daemon, or None when it was never started or was stopped."""
        try:
            fields = json.loads((self.run / f"{name}.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return Record(**fields | {"argv": tuple(fields["argv"])})

    def alive(self, name: str) -> bool:
        """Whether the daemon was started and still runs."""
        self._collect()
        record = self.record(name)
        return record is not None and record.alive

    def names(self) -> list[str]:
        """Return the names of all daemons that have a record, in the order in which they were started."""
        records = [record for path in self.run.glob("*.json") if (record := self.record(path.stem)) is not None]
        return [record.name for record in sorted(records, key=lambda record: record.since)]

    def find(self, argv: tuple[str, ...]) -> int | None:
        """Return the pid of a running process with exactly this command line, recorded or not."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if tuple(process.cmdline()) == argv and process.status() != psutil.STATUS_ZOMBIE:
                    return process.pid
        return None

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a daemon's log, or an empty text when there is none."""
        try:
            with (self.logs / f"{name}.log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 400 * lines))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def wait(
        self, name: str, healthy: Callable[[], bool], *, timeout: float, report: Report, what: str | None = None
    ) -> None:
        """Wait until a daemon is healthy, with a line of progress every few seconds.

        Raises `ProcessError` as soon as the process has died, or after `timeout` seconds, with the end of its log.
        """
        begun = time.monotonic()
        told = begun
        while not healthy():
            now = time.monotonic()
            if not self.alive(name):
                log = self.tail(name)
                raise ProcessError(
                    f"{name} died while it was starting{file_watch_hint(log)}. The end of its log:\n{log}"
                )
            if now - begun > timeout:
                raise ProcessError(
                    f"{what or name} was not ready after {timeout:.0f} s. The end of the log of {name}:\n"
                    f"{self.tail(name)}"
                )
            if now - told > REPORT_SECONDS:
                report(f"waiting for {what or name} ({now - begun:.0f} s)")
                told = now
            time.sleep(POLL_SECONDS)

    def status(self, name: str, health: Callable[[], str | None] | None = None) -> ProcessStatus:
        """Tell how a daemon is. `health` returns None when all is well, or what is wrong."""
        record = self.record(name)
        if record is None:
            return ProcessStatus(
                name=name, pid=None, alive=False, healthy=False, detail="not started", memory=0, uptime=0
            )
        self._collect()
        if not record.alive:
            detail = f"died; the end of its log:\n{self.tail(name, 5)}"
            return ProcessStatus(
                name=name,
                pid=record.pid,
                alive=False,
                healthy=False,
                detail=detail,
                memory=0,
                uptime=0,
                restarts=record.restarts,
            )
        complaint = None if health is None else health()
        try:
            memory = psutil.Process(record.pid).memory_info().rss
        except psutil.Error:
            memory = 0
        return ProcessStatus(
            name=name,
            pid=record.pid,
            alive=True,
            healthy=complaint is None,
            detail=complaint or "healthy",
            memory=memory,
            uptime=max(0.0, time.time() - record.since),
            restarts=record.restarts,
        )

    def _log(self, name: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return log

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one command at a time start or end daemons: a supervisor restarts none that is being ended."""
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _collect(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]

    def _ended(self, record: Record, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while record.alive:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_SECONDS / 5)
            self._collect()
        self._collect()
        return True


def file_watch_hint(log: str) -> str:
    """Return what lies behind "too many open files", or nothing when a log does not say so.

    With daemons as these it is the number of a user's file watches, which the kernel counts apart from open files.
    """
    if "too many open files" not in log:
        return ""
    limit = Path("/proc/sys/fs/inotify/max_user_instances").read_text().strip()
    return (
        f": this machine's limit of {limit} inotify instances a user is used up, and a cluster takes about 20 "
        "(sysctl fs.inotify.max_user_instances)"
    )


def _only_child(parent: subprocess.Popen[bytes]) -> int:
    """Return the pid of the process that `nsenter` forked; its own when it has ended already."""
    while parent.poll() is None:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(parent.pid).children():
                return child.pid
        time.sleep(0.005)
    return parent.pid
