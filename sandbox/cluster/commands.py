"""Short-lived programs that the cluster runs, with their own words in the error when they fail."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sandbox.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["run"]

# The longest of them, an image's import, takes half a second.
TIMEOUT = 60.0


def run(argv: Sequence[str | Path], *, stdin: str | None = None) -> str:
    """Run a program and return its standard output; raise `ClusterError` with its standard error when it fails."""
    words = [str(word) for word in argv]
    try:
        result = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{' '.join(words)}: {error}") from error
    if result.returncode != 0:
        said = result.stderr.strip() or result.stdout.strip() or f"exit code {result.returncode}"
        raise ClusterError(f"{' '.join(words)}: {said}")
    return result.stdout
