"""`pulumi install`: make the project's environment and install what the project declares."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from sandbox.plugins.language_python.processes import Chunk

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.plugins.language_python.interpreter import Interpreter
    from sandbox.plugins.language_python.processes import Processes

__all__ = ["install"]


def install(
    interpreter: Interpreter, processes: Processes, *, project: Path, root: Path, cancelled: threading.Event
) -> Iterator[Chunk | int]:
    """Yield the tools' output and each one's exit code; a code other than 0 ends it.

    A requirements.txt beside the program or in a folder above it, up to the project's root, is what is
    installed. An environment that exists and a project without that file are left as they are: some
    other tool, such as our own `make up`, looks after them.
    """
    for command in _commands(interpreter, project=project, root=root):
        yield Chunk("stdout", f"$ {' '.join(command)}\n".encode())
        code = 0
        for chunk in processes.stream(
            command, environment=interpreter.environment(os.environ), directory=root, cancelled=cancelled
        ):
            if isinstance(chunk, Chunk):
                yield chunk
            else:
                code = chunk
        yield code
        if code:
            return


def _commands(interpreter: Interpreter, *, project: Path, root: Path) -> Iterator[list[str]]:
    if interpreter.toolchain == "uv":
        yield [shutil.which("uv") or "uv", "sync"]
        return
    if interpreter.virtualenv is not None and not interpreter.python.exists():
        # The host's own Python makes it: whichever `python3` stands on PATH may be without `venv`.
        yield [sys.executable, "-m", "venv", str(interpreter.virtualenv)]
    requirements = _nearest(project, root)
    if requirements is not None:
        yield [str(interpreter.python), "-m", "pip", "install", "--requirement", str(requirements)]


def _nearest(project: Path, root: Path) -> Path | None:
    """Return the nearest requirements.txt from the program's folder up to the project's root."""
    for folder in [project, *project.parents]:
        if (folder / "requirements.txt").is_file():
            return folder / "requirements.txt"
        if folder == root:
            break
    return None
