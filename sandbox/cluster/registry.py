"""The sandbox's registry, in which nodes also look for what upstream registries' names name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.cluster.api import answers
from sandbox.cluster.files import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.process import Processes, ProcessStatus, Report

__all__ = ["MIRRORED", "Registry"]

PORT = 5000
TIMEOUT = 20.0
# Manifests keep upstream's image names; what is to run is pushed here without the registry's name.
MIRRORED = ("docker.io", "registry.k8s.io", "quay.io", "ghcr.io")


class Registry:
    """An image registry on the node's address, over plain HTTP: only this machine and the node reach it."""

    def __init__(self, directory: Path, binaries: Mapping[str, Path], processes: Processes, address: str) -> None:
        self._directory = directory
        self._binary = binaries["docker-registry"]
        self._processes = processes
        self._address = address

    @property
    def host(self) -> str:
        """Host and port, as they stand in image names."""
        return f"{self._address}:{PORT}"

    def start(self) -> None:
        """Start the registry; `ready` waits for it."""
        config = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._directory / "registry")},
                "delete": {"enabled": True},
            },
            # Without a secret one is made up at each start, and uploads under way at a restart cannot go on: no loss.
            "http": {"addr": self.host},
        }
        path = self._directory / "registry.json"
        write(path, json.dumps(config))
        self._processes.start("registry", [self._binary, "serve", path])

    def ready(self, report: Report) -> None:
        """Wait until it answers."""
        self._processes.wait("registry", lambda: self._complaint() is None, timeout=TIMEOUT, report=report)

    def status(self) -> ProcessStatus:
        """Tell how it is."""
        return self._processes.status("registry", self._complaint)

    def _complaint(self) -> str | None:
        return answers(self._address, PORT, "/v2/")

    def mirrors(self) -> dict[str, str]:
        """Return containerd's `hosts.toml` by registry: where its images are looked for."""
        return dict.fromkeys(
            (*MIRRORED, self.host),
            f'server = "http://{self.host}"\n[host."http://{self.host}"]\n  capabilities = ["pull", "resolve"]\n',
        )
