"""Run a program that takes minutes: a sign of life while it runs, the end of its output when it fails."""

from __future__ import annotations

import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from sandbox.tools.cache import SIGN_OF_LIFE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["run_reporting"]

# Compilers and installers put the cause last; more would hide it.
_LINES_OF_A_FAILURE = 15


def run_reporting(
    command: Sequence[str],
    *,
    doing: str,
    report: Callable[[str], None],
    env: Mapping[str, str],
    cwd: Path | None = None,
) -> str | None:
    """Run a command to its end; return None on success and otherwise the end of what it printed.

    Raises OSError when it cannot be started. When this run is interrupted, the command is ended first.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            list(command), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        began = time.monotonic()
        try:
            while True:
                try:
                    process.wait(SIGN_OF_LIFE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    report(f"{doing}: {time.monotonic() - began:.0f} s")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode == 0:
            return None
        output.seek(0)
        lines = [line.rstrip() for line in output if line.strip()]
        return "\n".join(lines[-_LINES_OF_A_FAILURE:]) or f"exit code {process.returncode}"
