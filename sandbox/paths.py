"""Where the sandbox keeps what it makes: one directory a sandbox, one cache a user."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["REPOSITORY", "Layout", "cache_directory"]

REPOSITORY = Path(__file__).resolve().parent.parent


def cache_directory() -> Path:
    """Return the cache that outlives clones and sandboxes: built tools, image layers.

    Follows the XDG base directory specification; nothing in it is ever needed, only faster.
    """
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "ml-platform"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The files of one sandbox. Two layouts share nothing, so two sandboxes may run side by side."""

    root: Path

    @classmethod
    def default(cls) -> Layout:
        """Return the layout that `SANDBOX_DIR` names, or `.sandbox` in this clone."""
        return cls(root=Path(os.environ.get("SANDBOX_DIR") or REPOSITORY / ".sandbox").resolve())

    @property
    def environment(self) -> Path:
        """A shell file to source: PATH, KUBECONFIG and Pulumi's settings."""
        return self.root / "env"

    @property
    def tools(self) -> Path:
        """Links to the tools in use, one directory to put on PATH."""
        return self.root / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The cluster administrator's kubeconfig, mode 0600."""
        return self.root / "kubeconfig"

    @property
    def run(self) -> Path:
        """One JSON file a process: pid, start time, command."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def cluster(self) -> Path:
        """Certificates, configuration files and data of the cluster's processes."""
        return self.root / "cluster"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME: plugins and the engine's own files."""
        return self.root / "pulumi"

    @property
    def backend(self) -> Path:
        """The file backend's directory: states of the stacks that were made in this sandbox."""
        return self.root / "state"

    @property
    def passphrase(self) -> Path:
        """The passphrase of the secrets provider, generated once, mode 0600."""
        return self.root / "passphrase"
