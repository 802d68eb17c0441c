"""Find or make each tool: PATH, our cache, the official download, the published module, in that order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tools.building import build
from sandbox.tools.cache import Slot
from sandbox.tools.catalogue import CATALOGUE, Tool
from sandbox.tools.downloading import download
from sandbox.tools.errors import ToolError, UnavailableError
from sandbox.tools.installed import on_path, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["ProvidedTool", "at_hand", "provide"]


@dataclass(frozen=True, kw_only=True)
class ProvidedTool:
    """A tool that runs: where it is, which version, and where it came from.

    `source` is "path", "cache", "download" or "module".
    """

    name: str
    path: Path
    version: str
    source: str


def provide(names: Sequence[str], *, report: Callable[[str], None]) -> dict[str, ProvidedTool]:
    """Return each named tool, found or made, in the order given.

    Raises ToolError with all that is missing and what to install; nothing is built before every tool that is
    on PATH or in the cache has been found, and nothing at all when a name is unknown.
    """
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        raise ToolError(f"no such tool: {', '.join(unknown)}; there are {', '.join(CATALOGUE)}")
    provided: dict[str, ProvidedTool] = {}
    missing: list[Tool] = []
    for tool in (CATALOGUE[name] for name in dict.fromkeys(names)):
        there = _found(tool, report)
        if there is None:
            missing.append(tool)
        else:
            provided[tool.name] = there
    # What only a download can give comes first: without a network that is known before an hour of building.
    for tool in sorted(missing, key=lambda tool: tool.module is not None):
        provided[tool.name] = _made(tool, report)
    return {name: provided[name] for name in dict.fromkeys(names)}


def at_hand(names: Sequence[str], *, report: Callable[[str], None]) -> dict[str, ProvidedTool]:
    """Return those of the tools that are on PATH or in the cache, which takes no time."""
    return {name: there for name in names if (there := _found(CATALOGUE[name], report)) is not None}


def _found(tool: Tool, report: Callable[[str], None]) -> ProvidedTool | None:
    if there := on_path(tool, report=report):
        path, version = there
        return _reported(ProvidedTool(name=tool.name, path=path, version=version, source="path"), report)
    slot = Slot(tool)
    if slot.filled:
        return _reported(ProvidedTool(name=tool.name, path=slot.program, version=tool.version, source="cache"), report)
    return None


def _made(tool: Tool, report: Callable[[str], None]) -> ProvidedTool:
    slot = Slot(tool)
    tried: list[str] = []
    began = time.monotonic()
    with slot.being_filled(report) as fresh:
        if slot.filled:  # by another run, while this one waited
            there = ProvidedTool(name=tool.name, path=slot.program, version=tool.version, source="cache")
            return _reported(there, report)
        for source, make in (("download", download), ("module", build)):
            try:
                make(tool, fresh, report=report)
            except UnavailableError as reason:
                tried.append(str(reason))
                continue
            _check(tool, fresh / tool.name)
            slot.fill(fresh)
            made = ProvidedTool(name=tool.name, path=slot.program, version=tool.version, source=source)
            return _reported(made, report, seconds=time.monotonic() - began)
    raise ToolError(
        f"{tool.name} {tool.version} is not to be had: not on PATH; " + "; ".join(tried) + f". Install {tool.install}"
    )


def _check(tool: Tool, program: Path) -> None:
    """Refuse a program that does not run here or is not the version that it should be."""
    program.chmod(0o755)
    if tool.ask is None:
        return
    version = version_of(program, tool)
    if version is None or version not in tool.accepted:
        said = "does not run here" if version is None else f"says it is {'.'.join(map(str, version))}"
        raise ToolError(f"{tool.name} {tool.version} was made, and {said}; install {tool.install}")


def _reported(tool: ProvidedTool, report: Callable[[str], None], *, seconds: float | None = None) -> ProvidedTool:
    where = {"path": f"on PATH, {tool.path}", "cache": "in the cache", "download": "downloaded", "module": "built"}
    took = f" in {seconds:.0f} s" if seconds is not None else ""
    report(f"{tool.name} {tool.version}: {where[tool.source]}{took}")
    return tool
