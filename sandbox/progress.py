"""Say what is going on: one line an event, and a sign of life when nothing happens for a while."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Progress"]

# A reader wonders after five seconds whether anything still happens; the sign of life comes before.
SIGN_OF_LIFE_SECONDS = 4.0


class Progress:
    """Prints each event with the seconds since the start, and never stays silent for five seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()
        self._last_line = self._start
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since this progress began."""
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        """Print one event; safe to call from several threads."""
        with self._lock:
            self.console.print(f"[dim]{self.seconds:5.0f} s[/]  ", end="")
            self.console.print(text, markup=False)
            self._last_line = time.monotonic()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Announce a part of the work and show that it is alive until it ends."""
        self.say(name)
        done = threading.Event()
        began = time.monotonic()

        def live() -> None:
            while not done.wait(0.5):
                if time.monotonic() - self._last_line > SIGN_OF_LIFE_SECONDS:
                    self.say(f"... {name}: {time.monotonic() - began:.0f} s")

        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def run(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Run a command, pass its lines on as they come, and return its exit code and output."""
        lines: list[str] = []
        with subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            if process.stdout is None:
                raise RuntimeError("a process that was started with a pipe has none")
            for line in process.stdout:
                text = line.rstrip()
                lines.append(text)
                if text:
                    self.say(text)
        return process.returncode, "\n".join(lines)
