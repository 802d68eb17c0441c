"""The processes of a language host: the program of a run, and plugins written in Python."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Chunk", "Processes"]

_PROGRAM = Path(__file__).with_name("program.py")
# The engine grants a plugin five seconds between SIGINT and SIGKILL: leave some for the host itself.
_GRACE_SECONDS = 3.0
# How soon the wait for a cancellation notices that its process has ended by itself; costs next to nothing.
_LOOK_SECONDS = 0.1
_READ_SIZE = 64 * 1024


@dataclass(frozen=True)
class Chunk:
    """A piece of a process's output."""

    stream: Literal["stdout", "stderr"]
    data: bytes


class Processes:
    """Starts processes, and ends those that are still there when the host ends.

    They stay in the host's process group, where the engine's signals reach them and their own children too.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def run_program(self, python: Path, run: Mapping[str, Any], *, environment: Mapping[str, str]) -> int:
        """Run a Pulumi program to its end and return its exit code, negative for a signal.

        Its output is the host's own, which the engine shows line by line as it comes.
        """
        process = self._start([str(python), "-u", str(_PROGRAM)], environment=environment, stdin=subprocess.PIPE)
        try:
            process.communicate(json.dumps({**run, "host": os.getpid()}).encode())
        except BrokenPipeError:
            process.wait()  # it ended before it read its instructions; the exit code says how
        finally:
            self._forget(process)
        return process.returncode

    def stream(
        self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path, cancelled: threading.Event
    ) -> Iterator[Chunk | int]:
        """Run a command, yielding its output as it comes and its exit code last.

        Setting `cancelled` ends the process; the stream then ends as for any other exit.
        """
        process = self._start(
            command,
            environment=environment,
            directory=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        chunks: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        if process.stdout is None or process.stderr is None:
            raise AssertionError("both streams were asked for")
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=_pump, args=(name, pipe, chunks), daemon=True).start()
        threading.Thread(target=self._end_when, args=(cancelled, process), daemon=True).start()
        open_pipes = 2
        try:
            while open_pipes:
                chunk = chunks.get()
                if chunk is None:
                    open_pipes -= 1
                else:
                    yield chunk
            yield process.wait()
        finally:
            _interrupt(process)  # when the engine stopped listening in the middle
            self._forget(process)

    def interrupt(self) -> None:
        """Ask all processes to end, as Ctrl-C would."""
        with self._lock:
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End all processes: politely, then within seconds by force."""
        self.interrupt()
        with self._lock:
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(
        self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path | None = None, **pipes: int
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=dict(environment), cwd=directory, **pipes)  # type: ignore[call-overload]
        with self._lock:
            self._running.add(process)
        return process  # type: ignore[no-any-return]

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)

    def _end_when(self, cancelled: threading.Event, process: subprocess.Popen[bytes]) -> None:
        # Not longer than the process lives: the command after it is cancelled by the same event.
        while process.poll() is None:
            if cancelled.wait(_LOOK_SECONDS):
                _interrupt(process)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _pump(name: Literal["stdout", "stderr"], pipe: IO[bytes], chunks: queue.SimpleQueue[Chunk | None]) -> None:
    with pipe:
        while data := os.read(pipe.fileno(), _READ_SIZE):
            chunks.put(Chunk(name, data))
    chunks.put(None)
