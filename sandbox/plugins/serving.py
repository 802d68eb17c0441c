"""The life of a plugin: serve on a free port, tell the engine which, end when the engine ends."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["serve"]

# A stack's whole state may travel in one message; the SDKs of Pulumi allow the same.
_LARGEST_MESSAGE = 400 * 1024 * 1024


def serve(
    register: Callable[[grpc.Server], None],
    *,
    workers: int,
    stop: Callable[[], None] | None = None,
) -> None:
    """Serve until the engine is done with this plugin, then end the process with exit code 0.

    The engine reads one line from standard output, the port, and later sends SIGINT to the plugin's
    process group, five seconds before SIGKILL. Nothing may be printed on that way out: it would appear
    among the user's own output.

    Args:
        register: adds the plugin's service to the server.
        workers: calls answered at once; a call that waits for the cluster keeps one.
        stop: ends what the plugin itself has started, in less than five seconds.

    """
    server = grpc.server(
        ThreadPoolExecutor(max_workers=workers),
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),  # two plugins must never share a port
        ],
    )
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    _die_with_the_engine()
    server.start()
    print(port, flush=True)  # noqa: T201  # the protocol: this line is for the engine
    ended.wait()
    if stop is not None:
        stop()
    server.stop(grace=None)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that still wait for a cluster must not hold the process: the engine has stopped listening.
    os._exit(0)


def _die_with_the_engine() -> None:
    """End this plugin and all it started when the engine is gone, however it went.

    The engine holds the writing end of standard input for as long as it lives, so that its end shows as
    an end of file, `kill -9` included. A plugin that was started by hand, on a terminal, is left alone.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        if os.getpgrp() == os.getpid():  # the engine makes every plugin the leader of a group of its own
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="engine-watch", daemon=True).start()
