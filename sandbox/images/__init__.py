"""A Docker engine of the sandbox's own, and the images that it has without a public registry."""

from __future__ import annotations

from sandbox.images.base import BASE_IMAGE, ensure_base_image
from sandbox.images.busybox import ensure_busybox
from sandbox.images.engine import DockerEngine, EngineError
from sandbox.images.users_engine import UsersEngine

__all__ = ["BASE_IMAGE", "DockerEngine", "EngineError", "UsersEngine", "ensure_base_image", "ensure_busybox"]
