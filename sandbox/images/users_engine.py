"""The Docker engine that a machine has already: asked, never started or stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

__all__ = ["UsersEngine"]

# Docker's own default; DOCKER_HOST names another, as for the docker command.
DEFAULT_HOST = "unix:///var/run/docker.sock"
# An engine answers in milliseconds, a registry behind it in a second or two: who lacks either shall not wait long.
ASK_SECONDS = 5
# A build may be silent for as long while pip works.
BUILD_SECONDS = 600


class UsersEngine:
    """The engine that `docker` would use in this shell."""

    @property
    def host(self) -> str:
        """The engine's address, as DOCKER_HOST."""
        return os.environ.get("DOCKER_HOST") or DEFAULT_HOST

    def client(self, *, timeout: int = BUILD_SECONDS) -> docker.DockerClient:
        """Return a client of this engine; the caller closes it."""
        import docker

        return docker.DockerClient(base_url=self.host, timeout=timeout)

    def why_silent(self) -> str | None:
        """Return None when the engine answers, or why it does not."""
        socket = self.host.removeprefix("unix://")
        if socket != self.host and not Path(socket).exists():
            return f"no Docker engine at {self.host}"
        import docker
        import requests

        try:
            client = self.client(timeout=ASK_SECONDS)
            try:
                client.ping()
            finally:
                client.close()
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            return f"the Docker engine at {self.host} does not answer: {error}"
        return None

    def why_absent(self, image: str) -> str | None:
        """Return None when the engine has an image or its registry offers it, or why it cannot be had."""
        import docker
        import requests

        client = self.client(timeout=ASK_SECONDS)
        try:
            try:
                client.images.get(image)
            except docker.errors.ImageNotFound:
                client.images.get_registry_data(image)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            words = getattr(error, "explanation", None) or error
            return f"image {image} is not there and cannot be pulled: {words}"
        finally:
            client.close()
        return None
