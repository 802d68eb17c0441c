"""uv, which installs everything else: from PATH, or from its pinned package into our cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.paths import REPOSITORY, cache_directory
from sandbox.tools.cache import locked
from sandbox.tools.errors import ToolError
from sandbox.tools.packages import ensure_packages, is_root_on_apt
from sandbox.tools.running import run_reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["provide_uv", "uv_environment"]

_LOCK = REPOSITORY / "locks" / "uv.txt"
# The first whose `pip sync` checks hashes of build requirements too (`--build-constraints` with hashes).
_OLDEST = (0, 5)


def provide_uv(*, report: Callable[[str], None]) -> Path:
    """Return uv. Raises ToolError with what to install when neither PATH nor the package index gives one."""
    found = shutil.which("uv")
    if found and _version(found) >= _OLDEST:
        return Path(found)
    version = re.match(r"uv==(\S+)", _LOCK.read_text())
    if version is None:
        raise ToolError(f"{_LOCK} pins no uv; restore it from git")
    home = cache_directory() / "uv" / version[1]
    program = home / "bin" / "uv"
    with locked(home.with_name(f"{home.name}.lock"), "uv", report):
        if not program.exists():
            report(f"uv {version[1]}: installing it from its package")
            _install(home, report)
    return program


def uv_environment() -> Mapping[str, str]:
    """Return the environment for uv: the user's, with what pip is told about indexes and CA bundles said again."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)  # an environment that happens to be active is not the one to install into
    for pip, uv in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("PIP_CERT", "SSL_CERT_FILE"),
    ):
        if os.environ.get(pip):
            environment.setdefault(uv, os.environ[pip])
    return environment


def _install(home: Path, report: Callable[[str], None]) -> None:
    """Install uv with the Python that runs this, by whichever of its two ways it has."""
    fresh = home.with_name(f".new-{home.name}")
    pip_install = ["install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(_LOCK)]
    python = sys.executable
    # Its own pip first, where it has one: an environment with a new pip in it takes several times as long.
    ways = (
        ([[python, "-m", "pip", *pip_install, "--target", str(fresh)]]),
        ([[python, "-m", "venv", str(fresh)], [str(fresh / "bin" / "python"), "-m", "pip", *pip_install]]),
    )
    failures = []
    for way in (*ways, *ways):
        shutil.rmtree(fresh, ignore_errors=True)
        failure = None
        for command in way:
            failure = failure or run_reporting(command, doing="installing uv", report=report, env=os.environ)
        if failure is None and (fresh / "bin" / "uv").exists():
            fresh.rename(home)
            return
        failures.append(failure or "uv came without its program")
        if len(failures) == len(ways):
            # Debian's Python comes without what `venv` needs, and so without pip.
            if not python.startswith("/usr/bin/") or not is_root_on_apt():
                break
            ensure_packages(["python3-venv"], report=report)
    shutil.rmtree(fresh, ignore_errors=True)
    raise ToolError(
        f"uv cannot be installed with {sys.executable}: {failures[-2].splitlines()[-1]}; "
        f"{failures[-1].splitlines()[-1]}. Install uv, or Python's venv module (python3-venv on Debian and Ubuntu)"
    )


def _version(program: str) -> tuple[int, ...]:
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    match = re.search(r"(\d+)\.(\d+)", asked.stdout)
    return tuple(int(part) for part in match.groups()) if match else (0,)
