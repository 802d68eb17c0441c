"""`python -m sandbox.plugins.language_python [flags] <engine address>`: what the engine starts."""

from __future__ import annotations

import sys

from sandbox.plugins.language_python.host import LanguageHost
from sandbox.plugins.protocol import language_pb2_grpc
from sandbox.plugins.serving import serve

# A run keeps one worker, each policy pack another; the rest answer short questions.
_WORKERS = 32


def main() -> None:
    """Serve one engine; its address is the last argument, whatever logging flags come before it."""
    host = LanguageHost(engine_address=sys.argv[-1] if len(sys.argv) > 1 else "")
    serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        workers=_WORKERS,
        stop=host.stop,
    )


if __name__ == "__main__":
    main()
