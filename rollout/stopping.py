"""Ctrl-C and SIGTERM, taken note of and acted upon where nothing is half done."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["Stopping"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Whether the user asked to stop. `pressed` counts how often; `on_press` is called in the signal's handler."""

    def __init__(self) -> None:
        self.pressed = 0
        self.on_press: Callable[[int], None] | None = None
        self._event = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, less when a stop is asked for meanwhile; return whether it was."""
        return self._event.wait(max(0.0, seconds))

    def press(self) -> None:
        """Ask to stop, as a signal does."""
        self.pressed += 1
        self._event.set()
        if self.on_press is not None:
            self.on_press(self.pressed)

    @contextmanager
    def listening(self) -> Iterator[Stopping]:
        """Take SIGINT and SIGTERM for the time of a block."""

        def pressed(_number: int, _frame: FrameType | None) -> None:
            self.press()

        before: dict[signal.Signals, Any] = {number: signal.signal(number, pressed) for number in _SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
