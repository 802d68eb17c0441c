"""The directory of a tool in the user's cache: written by one run at a time, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.paths import cache_directory
from sandbox.tools.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.tools.catalogue import Tool

__all__ = ["SIGN_OF_LIFE_SECONDS", "Slot", "locked", "require_space"]

# Nothing may be silent for five seconds; the sign of life comes a little before.
SIGN_OF_LIFE_SECONDS = 4.0


@dataclass(frozen=True)
class Slot:
    """Where one version of a tool lies: `tools/<name>/<version>/<name>`."""

    tool: Tool

    @property
    def directory(self) -> Path:
        """The version's directory; an archive's other programs lie in it too."""
        return cache_directory() / "tools" / self.tool.name / self.tool.version

    @property
    def program(self) -> Path:
        """The tool itself. It appears last and by a rename, so that it is there whole or not at all."""
        return self.directory / self.tool.name

    @property
    def filled(self) -> bool:
        """Whether the tool is there."""
        return os.access(self.program, os.X_OK) and self.program.is_file()

    @contextmanager
    def being_filled(self, report: Callable[[str], None]) -> Iterator[Path]:
        """Hold the tool's lock and give a new, empty directory beside the slot; what is left in it is removed."""
        with locked(self.directory / ".lock", self.tool.name, report):
            for leftover in self.directory.glob(".new-*"):  # of a run that was killed: the lock is ours, so it is over
                shutil.rmtree(leftover, ignore_errors=True)
            fresh = self.directory / f".new-{os.getpid()}"
            fresh.mkdir()
            try:
                yield fresh
            finally:
                shutil.rmtree(fresh, ignore_errors=True)

    def fill(self, fresh: Path) -> None:
        """Move the programs of a directory into the slot, the tool itself last."""
        for path in sorted(fresh.iterdir(), key=lambda path: path.name == self.tool.name):
            path.chmod(0o755)
            path.replace(self.directory / path.name)


@contextmanager
def locked(path: Path, purpose: str, report: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock between runs; waiting for another run is reported. The kernel frees it when a run is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    began = said = time.monotonic()
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - said > SIGN_OF_LIFE_SECONDS:
                    said = time.monotonic()
                    report(f"waiting for another run that provides {purpose}: {said - began:.0f} s")
                time.sleep(0.1)
        yield


def require_space(directory: Path, megabytes: int, purpose: str) -> None:
    """Raise ToolError unless the file system of a directory has room, before anything is begun."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free // 1_000_000
    if free < megabytes:
        raise ToolError(
            f"{purpose} needs {megabytes} MB of disk in {directory} and {free} MB are free; make room, or name a "
            "cache elsewhere in XDG_CACHE_HOME"
        )
