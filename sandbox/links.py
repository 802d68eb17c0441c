"""One directory with the tools in use, to stand first on PATH."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.tools import ProvidedTool

__all__ = ["link_tools"]


def link_tools(tools: Mapping[str, ProvidedTool], directory: Path) -> None:
    """Link each tool under its name, replacing a link in one step so that none is ever missing."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, tool in tools.items():
        link = directory / name
        if link.is_symlink() and link.readlink() == tool.path:
            continue
        new = directory / f".{name}.{os.getpid()}"
        new.symlink_to(tool.path)
        new.replace(link)
