"""Requests on a model while something changes: who answered each, and when the routing Service was changed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from served import Platform

LOAD = Path(__file__).with_name("load.py")


class Answer(NamedTuple):
    """One request: when it was sent and answered (seconds since the epoch), on which connection, and by whom."""

    began: float
    ended: float
    kind: str
    """`new` or `kept`."""
    outcome: str
    """The version in the answer's body, or `failed: why`."""

    @property
    def failed(self) -> bool:
        return self.outcome.startswith("failed")


@contextmanager
def load_on(
    url: str,
    out: Path,
    *,
    at_least: int,
    seconds: float = 400,
    clients: int = 2,
    pause: float = 0,
    kept_only: bool = False,
    host: str = "",
    **headers: str,
) -> Iterator[list[Answer]]:
    """Send requests from a process of its own until the body is over and `at_least` were sent.

    `clients` of each kind, new and kept-alive connections (or `kept_only`, which costs everybody half), each resting
    `pause` seconds after an answer. The list that is given is filled when the load has ended.
    """
    options = {"at-least": at_least, "at-most-seconds": seconds, "clients": clients, "pause": pause, "out": out}
    command = [sys.executable, str(LOAD), url, *(f"--{name}={value}" for name, value in options.items())]
    command += [f"--host={host}"] if host else []
    command += ["--kept-only"] if kept_only else []
    command += [f"--header={name.replace('_', '-')}={value}" for name, value in headers.items()]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    answers: list[Answer] = []
    try:
        yield answers
    finally:
        process.communicate()
    assert process.returncode == 0
    answers.extend(Answer(*json.loads(line)) for line in out.read_text().splitlines())


class Watched:
    """The routing Service's selector over time, from a watch on the API server."""

    def __init__(self, platform: Platform, service: str = "iris") -> None:
        self.seen: list[tuple[float, str | None]] = []
        command = ["kubectl", "get", "service", service, "-n", platform.namespace, "-o", "json"]
        self.process = subprocess.Popen(
            [*command, "--watch", "--output-watch-events"], env=platform.shell(), stdout=subprocess.PIPE, text=True
        )
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def read(self) -> None:
        decoder, text = json.JSONDecoder(), ""
        while chunk := self.process.stdout.readline():
            text += chunk
            try:
                event, end = decoder.raw_decode(text.lstrip())
            except ValueError:
                continue
            text = text.lstrip()[end:]
            slot = event["object"]["spec"]["selector"].get("ml-platform/slot")
            if not self.seen or self.seen[-1][1] != slot:
                self.seen.append((time.time(), slot))

    def switched_to(self, slot: str, since: float) -> float:
        """Return when, after `since`, the selector first named this slot."""
        return next(at for at, seen in self.seen if seen == slot and at >= since)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.thread.join()


def late(answers: list[Answer], *, version: str, after: float, until: float = float("inf"), kind: str = "new") -> float:
    """Return how many seconds after a switch away from it the version still answered a request that began then."""
    times = [a.began - after for a in answers if (a.kind, a.outcome) == (kind, version) and after < a.began < until]
    return max(times, default=0.0)
