"""The life of a plugin: serve on a free port, tell the engine which, end when the engine ends."""

from __future__ import annotations

import logging
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
    logging.getLogger("grpc._server").addFilter(_is_news)
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
    _end_the_group()
    server.stop(grace=None)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that still wait for a cluster must not hold the process: the engine has stopped listening.
    os._exit(0)


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether grpc's log line is worth the user's sight: a call that a plugin does not offer is none.

    The generated services answer such a call by raising; the engine asks, hears so and does without.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], NotImplementedError))


def _leads_its_group() -> bool:
    """Tell whether the engine started this plugin: it makes each the leader of a process group."""
    return os.getpgrp() == os.getpid()


def _end_the_group() -> None:
    """End what processes of this plugin have left in its group, such as a shell's background jobs, deaf to SIGINT."""
    if _leads_its_group():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


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
        if _leads_its_group():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="engine-watch", daemon=True).start()
