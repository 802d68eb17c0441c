"""Where the programs of a cluster are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.errors import ClusterError
from sandbox.paths import cache_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.paths import Layout

__all__ = ["Programs", "cached_programs"]


class Programs:
    """The programs of one sandbox: linked into it, else in the cache, else on PATH."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def find(self, names: Sequence[str]) -> dict[str, Path]:
        """Return those that are there: what only looks at a cluster, or ends it, needs none of them."""
        found = {name: Path(path) for name in names if (path := shutil.which(name))}
        found |= cached_programs(names)
        return found | {name: self._layout.tools / name for name in names if (self._layout.tools / name).exists()}

    def require(self, names: Sequence[str]) -> dict[str, Path]:
        """Return all of them. Raises `ClusterError` that names the missing ones."""
        found = self.find(names)
        missing = sorted(set(names) - set(found))
        if missing:
            raise ClusterError(f"programs missing: {', '.join(missing)}; `make up` provides them")
        return found


def cached_programs(names: Sequence[str]) -> dict[str, Path]:
    """Return the newest built program of each name in the cache; a name that is not there is left out."""
    found = {}
    for name in names:
        paths = sorted((cache_directory() / "tools" / name).glob(f"*/{name}"))
        if paths:
            found[name] = paths[-1]
    return found
