"""A tool built from its published Go module, at the versions that our go.mod and go.sum pin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.paths import cache_directory
from sandbox.tools.cache import require_space
from sandbox.tools.errors import ToolError, UnavailableError
from sandbox.tools.go import go_environment, go_for
from sandbox.tools.running import run_reporting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.tools.catalogue import Tool

__all__ = ["MODULES", "build"]

MODULES = Path(__file__).parent / "modules"
_CHANGED = "SECURITY ERROR"  # how `go` begins every report of a checksum that differs


def build(tool: Tool, fresh: Path, *, report: Callable[[str], None]) -> None:
    """Build the tool into a directory.

    go.sum is the checksum here: `go` refuses a module whose content differs from it. Raises UnavailableError
    when there is no module, no Go or no module proxy, and ToolError when the build itself fails.
    """
    if tool.module is None:
        raise UnavailableError("there is no module to build it from")
    directory = MODULES / tool.module.folder
    # Objects and modules of the programs of one module are shared: what is there already is not needed again.
    built = cache_directory() / "go" / f"built-{tool.module.folder}"
    megabytes = 500 if built.exists() else tool.module.megabytes
    require_space(cache_directory(), megabytes, f"building {tool.name} {tool.version}")
    go = str(go_for(directory, report=report))
    environment = go_environment()
    name = f"{tool.name} {tool.version}"
    # Fetches what the program is made of and no more; a proxy that does not answer is told from a build that fails.
    failure = run_reporting(
        [go, "list", "-mod=readonly", "-deps", "-f", "", tool.module.package],
        doing=f"fetching the modules of {name}",
        report=report,
        env=environment,
        cwd=directory,
    )
    if failure and _CHANGED in failure:
        raise ToolError(f"{name}: a module is not what go.sum pins; it was thrown away:\n{failure}")
    if failure:
        raise UnavailableError(f"module: {failure}")
    report(f"building {name} from its module with {go}")
    ldflags = tool.module.ldflags.format(version=tool.version, number=tool.version.removeprefix("v"))
    # -s -w: without symbol tables and debug information the programs are a third smaller.
    command = [go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {ldflags}"]
    failure = run_reporting(
        [*command, "-o", str(fresh / tool.name), tool.module.package],
        doing=f"building {name} from its module",
        report=report,
        env=environment,
        cwd=directory,
    )
    if failure:
        raise ToolError(f"{name} does not build from {directory}:\n{failure}")
    built.parent.mkdir(parents=True, exist_ok=True)
    built.touch()
