"""The Gateway API's definitions (CRDs), from its published Go module: a cluster has none of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.paths import cache_directory
from sandbox.tools.building import MODULES
from sandbox.tools.cache import locked
from sandbox.tools.errors import ToolError, UnavailableError
from sandbox.tools.go import go_environment, go_for

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GATEWAY_API", "gateway_api_version", "provide_gateway_api"]

GATEWAY_API = "sigs.k8s.io/gateway-api"
# The channel of what upstream keeps compatible, and what managed clusters come with.
CHANNEL = "standard"
# The module is 2 MB; a proxy that has not answered by then will not.
FETCH_SECONDS = 120.0
_FOLDER = MODULES / "gateway-api"


def gateway_api_version() -> str:
    """Return the pinned version: the one that the pinned Traefik is written for, as a test of the modules asserts."""
    match = re.search(rf"{re.escape(GATEWAY_API)} (v\S+)", (_FOLDER / "go.mod").read_text())
    if match is None:
        raise ToolError(f"{_FOLDER / 'go.mod'} pins no {GATEWAY_API}; restore it from git")
    return match[1]


def provide_gateway_api(*, report: Callable[[str], None]) -> Path:
    """Return the directory with the definitions, one YAML file each.

    go.sum is the checksum: upstream publishes none beside its downloads. Raises ToolError when neither the cache nor
    a module proxy has them.
    """
    version = gateway_api_version()
    home = cache_directory() / "tools" / "gateway-api" / version
    with locked(home.with_name(f"{version}.lock"), "the Gateway API", report):
        if home.is_dir():
            report(f"Gateway API {version}: in the cache")
            return home
        try:
            module = _fetch(version, report)
        except UnavailableError as error:
            raise ToolError(f"the Gateway API's definitions {version} are not to be had: {error}") from None
        fresh = home.with_name(f".new-{version}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for path in sorted((module / "config" / "crd" / CHANNEL).glob("*.yaml")):
            shutil.copyfile(path, fresh / path.name)
        if not any(fresh.iterdir()):
            raise ToolError(f"{GATEWAY_API} {version} has no definitions of the {CHANNEL} channel")
        fresh.rename(home)
    report(f"Gateway API {version}: from its module")
    return home


def _fetch(version: str, report: Callable[[str], None]) -> Path:
    """Return the module's directory in Go's cache; its content is what go.sum says, or `go` refuses it."""
    go = go_for(_FOLDER, report=report)
    try:
        done = subprocess.run(
            [str(go), "mod", "download", "-json", f"{GATEWAY_API}@{version}"],
            cwd=_FOLDER,
            env=dict(go_environment()),
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_SECONDS,
        )
        answer = json.loads(done.stdout or "{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from None
    if done.returncode or "Dir" not in answer:
        raise UnavailableError(answer.get("Error") or done.stderr.strip() or "go gives no reason")
    return Path(answer["Dir"])
