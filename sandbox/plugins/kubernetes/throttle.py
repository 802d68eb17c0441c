from __future__ import annotations

import threading
import time

__all__ = ["Throttle"]


class Throttle:
    """A token bucket: `burst` requests at once, `rate` a second after that.

    The same rule as client-go's, whose settings the provider's arguments name.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Take one token, sleeping until there is one; those who come first are served first."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate) - 1
            self._filled = now
            delay = -self._tokens / self._rate
        if delay > 0:
            time.sleep(delay)
