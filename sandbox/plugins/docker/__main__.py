"""`python -m sandbox.plugins.docker [flags] <engine address>`: what the engine starts."""

from __future__ import annotations

import sys

from sandbox.plugins.docker.provider import DockerProvider
from sandbox.plugins.protocol import provider_pb2_grpc
from sandbox.plugins.serving import serve

# Builds at once; the Docker engine is what limits them.
_WORKERS = 16


def main() -> None:
    """Serve one engine; its address is the last argument, whatever logging flags come before it."""
    provider = DockerProvider(engine_address=sys.argv[-1] if len(sys.argv) > 1 else "")
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), workers=_WORKERS)


if __name__ == "__main__":
    main()
