"""What a rollout prints: one line an event with the seconds since its start, and in a terminal a line that moves."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from rollout.words import count, millis, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

    from rollout.figures import Figures

__all__ = ["Show", "line_of"]

# Where no terminal shows the moving line, a log gets one every so often, so that nobody takes a rollout for dead.
_SIGN_OF_LIFE_SECONDS = 30.0


class Show:
    """Prints lines; `now` is the text of the moving line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()
        self._last = self._start
        self._status: Status | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def say(self, text: str, style: str = "") -> None:
        """Print one event."""
        self._last = time.monotonic()
        self.console.print(Text.assemble((f"{self.seconds:5.0f} s  ", "dim"), (text, style)))

    def now(self, text: str) -> None:
        """Say what is going on: on the moving line, or now and then as a line of its own."""
        if self._status is not None:
            self._status.update(self._line(text))
        elif not self.console.is_terminal and time.monotonic() - self._last > _SIGN_OF_LIFE_SECONDS:
            self.say(f"... {text}")

    def _line(self, text: str) -> Text:
        # What a command prints is no markup, and a line that wraps would not be wiped whole.
        return Text(text[: max(20, self.console.width - 15)])

    @contextmanager
    def moving(self, text: str) -> Iterator[None]:
        """Have a moving line for the time of a block, where there is a terminal; it begins with this text."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(self._line(text)) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None


def line_of(slot: str, seen: Figures) -> str:
    """Write a slot's figures: `green 1,204 requests, 0.1 % failed, p95 12 ms, 2 pods`."""
    parts = [f"{slot} {count(seen.requests)} requests"]
    if seen.requests and seen.failed is not None:
        parts.append(f"{percent(seen.error_rate)} failed")
    if seen.p95 is not None:
        parts.append(f"p95 {millis(seen.p95)}")
    parts += [f"{name} {number(value)}" for name, value in seen.metrics.items() if value is not None]
    if seen.pods is not None:
        parts.append(f"{seen.pods} pod{'' if seen.pods == 1 else 's'}")
    return ", ".join(parts)
