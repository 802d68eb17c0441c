"""Files that servers read: written whole, and only when they change."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write", "write_private"]


def write(path: Path, content: str) -> None:
    """Write a configuration file unless it is as it should be: kube-proxy ends when its file is written again."""
    _write(path, content.encode(), 0o644)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    _write(path, content, 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one step: a start that is killed leaves no half a key.
    written = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    written.replace(path)
