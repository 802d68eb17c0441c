"""Serve the kubernetes provider; the engine's address is the first argument."""

from __future__ import annotations

import sys

from sandbox.plugins.kubernetes.server import Provider
from sandbox.plugins.protocol import provider_pb2_grpc
from sandbox.plugins.serving import serve

# The engine runs four steps a processor at once, each of which may wait for an object for minutes; threads are
# made only when they are needed.
_WORKERS = 128


def main() -> None:
    """Serve until the engine ends."""
    provider = Provider(next((word for word in sys.argv[1:] if not word.startswith("-")), ""))
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        workers=_WORKERS,
        stop=provider.stop,
    )


main()
