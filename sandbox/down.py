"""`make down`: everything that `make up` started is gone, and nothing else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sandbox.cluster import Cluster, choose_nodes
from sandbox.paths import cache_directory
from sandbox.under_way import interrupt

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.paths import Layout
    from sandbox.progress import Progress

__all__ = ["take_down"]


def take_down(layout: Layout, progress: Progress, *, clean: bool = False) -> None:
    """Stop every process of this sandbox and remove its files; with `clean`, the user's caches too.

    The passphrase stays: it opens the secrets of `stacks/Pulumi.local.yaml`, which is the user's.
    """
    if layout.root.exists():
        with progress.part("taking the sandbox down"):
            interrupt(layout, progress.say)
            Cluster(layout, nodes=choose_nodes(layout), report=progress.say).stop()
            _stop_docker(layout, progress)
            for path in layout.root.iterdir():
                if path != layout.passphrase:
                    _remove(path)
        progress.say("everything is down; the next `make up` starts afresh")
    else:
        progress.say("nothing is up")
    if clean:
        with progress.part(f"removing the caches in {cache_directory()}"):
            shutil.rmtree(cache_directory(), ignore_errors=True)


def _stop_docker(layout: Layout, progress: Progress) -> None:
    from sandbox.images import DockerEngine

    DockerEngine(layout, insecure_registries=[], report=progress.say).stop()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
