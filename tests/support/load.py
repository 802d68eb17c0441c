"""Load on one URL: new and kept-alive connections counted apart, no retries, every answer kept.

Run as a program, so that the load has a process of its own:
`load.py URL --at-least N --at-most-seconds S --out FILE [--host NAME]`. It goes on until N requests were sent and its
standard input is closed, but never longer than S seconds. Each line of FILE is one request:
start, end (seconds since the epoch), "new" or "kept", and the version that answered or "failed: why".
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

BODY = json.dumps({"features": [[5.1, 3.5, 1.4, 0.2]]})
HEADERS = {"content-type": "application/json"}


def ask(connection: http.client.HTTPConnection, headers: dict[str, str]) -> str:
    """Send one request; return the version in its body, or what was wrong with the answer."""
    connection.request("POST", "/predict", BODY, headers)
    response = connection.getresponse()
    raw = response.read()
    if response.status != http.client.OK:
        return f"failed: status {response.status}"
    answer = json.loads(raw)
    if answer["predictions"][0]["label"] != "setosa":
        return f"failed: wrong answer {raw!r}"
    return str(answer["version"])


class Load:
    """Clients of both kinds on one URL."""

    def __init__(self, url: str, *, at_least: int, seconds: float, pause: float, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.headers = HEADERS | headers
        self.at_least = at_least
        self.pause = pause
        self.deadline = time.monotonic() + seconds
        self.released = threading.Event()
        self.results: list[tuple[float, float, str, str]] = []

    def goes_on(self) -> bool:
        if time.monotonic() > self.deadline:
            return False
        return not (self.released.is_set() and len(self.results) >= self.at_least)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=10)

    def one(self, kind: str, connection: http.client.HTTPConnection) -> bool:
        """Ask once, keep the result, and tell whether the connection may be used again."""
        began = time.time()
        try:
            outcome = ask(connection, self.headers)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            outcome = f"failed: {type(error).__name__}: {error}"
        self.results.append((began, time.time(), kind, outcome))
        time.sleep(self.pause)
        # A server that answered with `Connection: close` has announced it: the next request opens
        # another connection, which is no retry.
        return not outcome.startswith("failed") and connection.sock is not None

    def new_connections(self) -> None:
        while self.goes_on():
            connection = self.connect()
            self.one("new", connection)
            connection.close()

    def kept_connections(self) -> None:
        connection = self.connect()
        while self.goes_on():
            if not self.one("kept", connection):
                connection.close()
                connection = self.connect()
        connection.close()

    def run(self, clients: int, *, kept_only: bool) -> None:
        kinds = [self.kept_connections] if kept_only else [self.new_connections, self.kept_connections]
        threads = [threading.Thread(target=kind) for kind in kinds for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--at-least", type=int, required=True)
    parser.add_argument("--at-most-seconds", type=float, required=True)
    parser.add_argument("--clients", type=int, default=2, help="of each kind")
    parser.add_argument("--kept-only", action="store_true", help="kept-alive connections alone")
    parser.add_argument("--pause", type=float, default=0, help="seconds that each client rests after an answer")
    parser.add_argument("--host", help="the Host header, to go through a gateway")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="one more header")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    headers = dict(header.split("=", 1) for header in chosen.header)
    if chosen.host:
        headers["host"] = chosen.host
    load = Load(
        chosen.url, at_least=chosen.at_least, seconds=chosen.at_most_seconds, pause=chosen.pause, headers=headers
    )

    def release() -> None:
        sys.stdin.read()
        load.released.set()

    threading.Thread(target=release, daemon=True).start()
    load.run(chosen.clients, kept_only=chosen.kept_only)
    with chosen.out.open("w") as out:
        for result in load.results:
            out.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
