"""Ask an engine for an image, and give it one from a file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import docker

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.engine import DockerEngine
    from sandbox.images.users_engine import UsersEngine

__all__ = ["has_image", "load", "pull"]


def has_image(engine: DockerEngine | UsersEngine, name: str) -> bool:
    """Return whether the engine has an image of this name."""
    with contextlib.closing(engine.client()) as client:
        try:
            client.images.get(name)
        except docker.errors.ImageNotFound:
            return False
        return True


def load(engine: DockerEngine | UsersEngine, archive: Path) -> None:
    """Give the engine the images of an archive, under the names in it."""
    with contextlib.closing(engine.client()) as client, archive.open("rb") as file:
        client.images.load(file)


def pull(engine: DockerEngine | UsersEngine, name: str) -> str | None:
    """Pull an image; return None, or why it cannot be had."""
    with contextlib.closing(engine.client()) as client:
        try:
            client.images.pull(name)
        except docker.errors.APIError as error:
            return str(error.explanation or error)
        return None
