"""A tool that is on PATH already, if its version will do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.paths import cache_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.tools.catalogue import Tool

__all__ = ["on_path", "version_of"]

# The slowest, kubectl, answers in a tenth of a second; a wrapper that asks the network is not waited for.
ASK_SECONDS = 15.0

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)(?:\.(\d+))?")


def on_path(tool: Tool, *, report: Callable[[str], None]) -> tuple[Path, str] | None:
    """Return path and version of the tool on PATH, or None; a version that will not do is reported."""
    found = None if tool.ask is None else shutil.which(tool.name)
    if found is None:
        return None
    path = _behind_links(Path(found))
    if path.is_relative_to(cache_directory()):
        return None  # our own, through a sandbox's link directory: the cache is asked next
    version = version_of(path, tool)
    if version is None:
        report(f"{tool.name}: {path} does not tell its version; not used")
        return None
    words = ".".join(str(part) for part in version)
    if version not in tool.accepted:
        report(f"{tool.name}: {path} is {words}; not used, it must be {tool.accepted.words}")
        return None
    return path, f"v{words}"


def version_of(path: Path, tool: Tool) -> tuple[int, ...] | None:
    """Run the tool and return the version that it prints, or None when it does not run or print one.

    It gets a home of its own for the while: pulumi writes a log into it, and Google's kubectl asks the cluster of the
    kubeconfig that it finds, keeps what that answers, and is not told to.
    """
    with tempfile.TemporaryDirectory(prefix="ml-platform-ask-", ignore_cleanup_errors=True) as home:
        own = {
            **dict.fromkeys(("HOME", "KUBECACHEDIR", "PULUMI_HOME"), home),
            "KUBECONFIG": f"{home}/none",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        try:
            asked = subprocess.run(
                [str(path), *(tool.ask or ())],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ASK_SECONDS,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **own},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    # Standard output first: warnings that mention other versions go to standard error.
    match = _VERSION.search(asked.stdout) or _VERSION.search(asked.stderr)
    return tuple(int(part or 0) for part in match.groups()) if match and asked.returncode == 0 else None


def _behind_links(path: Path) -> Path:
    """Follow links while the name stays the same: out of a sandbox's directory, but not into a busybox."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        if target.name != path.name:
            break
        path = target
    return Path(os.path.normpath(path))
