"""A Docker engine that builds and pushes images, and leaves nothing on the machine when it is stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import requests

from sandbox.cluster.cgroups import remove_groups
from sandbox.images.slots import free_slot
from sandbox.process import ProcessError, Processes, ProcessStatus
from sandbox.tools.errors import ToolError
from sandbox.tools.packages import ensure_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.images.slots import Slot
    from sandbox.paths import Layout

__all__ = ["DockerEngine", "EngineError"]

# Started in 1.5 s on 2 idle cores; the rest is for a machine that builds tools at the same time.
START_SECONDS = 60.0
# A socket's path may have 107 characters (unix(7)); the engine's own helper sockets stand elsewhere.
_LONGEST_SOCKET = 107
_NAME = "docker"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class EngineError(Exception):
    """The engine does not start; the message ends with the end of its log."""


class DockerEngine:
    """One sandbox's Docker engine: `docker build --network host` and pushes, no containers that serve.

    It runs in mount and pid namespaces of its own, so that stopping it ends every process and mount, and on
    the host's network with neither bridge nor firewall rules, so that there is no device or table to remove.
    Its data root, with all layers, is one of the user's cache: the next engine builds from what this one has.
    """

    def __init__(
        self, layout: Layout, *, insecure_registries: Sequence[str | None] = (), report: Callable[[str], None] = print
    ) -> None:
        self._layout = layout
        self._registries = sorted({registry for registry in insecure_registries if registry})
        self._report = report
        # Its own directories, beside the cluster's: `Cluster.stop` and this engine must not stop each other's.
        self._directory = layout.root / "docker"
        self._socket = self._directory / "engine.sock"
        self._configuration = self._directory / "daemon.json"
        # Unique on the machine, as the control group's name is seen by everyone.
        self._group = f"ml-platform-docker-{hashlib.sha256(str(layout.root).encode()).hexdigest()[:8]}"

    @property
    def host(self) -> str:
        """The engine's address, as DOCKER_HOST."""
        return f"unix://{self._socket}"

    @property
    def running(self) -> bool:
        """Whether the engine was started and still runs."""
        return self._processes().alive(_NAME)

    def client(self) -> docker.DockerClient:
        """Return a client of this engine; the caller closes it. Builds may be silent for minutes while pip works."""
        return docker.DockerClient(base_url=self.host, timeout=600)

    def start(self) -> None:
        """Start the engine unless it runs, and wait until it answers.

        Raises EngineError with the end of its log, and ToolError when Docker is neither here nor installable.
        A running engine takes over a registry that was added since.
        """
        if len(str(self._socket)) > _LONGEST_SOCKET:
            raise EngineError(f"{self._socket} is too long for a socket; choose a shorter SANDBOX_DIR")
        self._adopt()
        if self.running and self._answers():
            self._reconfigure()
            return
        if shutil.which("dockerd") is None or shutil.which("containerd") is None:
            ensure_packages(["docker.io", "containerd", "runc"], report=self._report)
        if shutil.which("dockerd") is None:
            raise ToolError("dockerd is not on PATH; install docker.io")
        self.stop()
        self._directory.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        while True:
            slot = free_slot()
            self._configuration.write_text(self._settings(slot.directory))
            processes = self._processes(_prefix(slot))
            processes.start(_NAME, self._command(), environment=self._environment())
            try:
                processes.wait(_NAME, self._answers, timeout=START_SECONDS, report=self._report, what="Docker engine")
            except ProcessError as error:
                # Two sandboxes that start at once may choose one slot; its lock lets one of them in.
                if not processes.alive(_NAME) and slot.taken and time.monotonic() - began < START_SECONDS:
                    continue
                self.stop()
                raise EngineError(str(error)) from None
            break
        self._report(f"Docker engine: ready in {time.monotonic() - began:.1f} s, its layers in {slot.directory}")

    def stop(self) -> None:
        """Stop the engine and remove all it made but its layers; nothing happens when there is none."""
        self._adopt()
        self._processes().stop(_NAME, grace=8.0)
        remove_groups(self._group)
        with contextlib.suppress(OSError):
            Path("/run/containerd").rmdir()  # only where it is empty and nobody else's
        if self._directory.exists():
            shutil.rmtree(self._directory, ignore_errors=True)

    def status(self) -> ProcessStatus:
        """Tell how the engine is, as one line of `sandbox status`."""
        return self._processes().status(_NAME, lambda: None if self._answers() else "does not answer")

    def _processes(self, prefix: Sequence[str] = ()) -> Processes:
        return Processes(self._layout.run, self._layout.logs, prefix=prefix)

    def _adopt(self) -> None:
        """Write the record of an engine whose start was killed before it could: its command line is ours alone."""
        processes = self._processes()
        if not processes.alive(_NAME) and processes.find(tuple(self._command())) is not None:
            # `start` takes over what runs. Should it end just now, this prefix starts nothing in its place.
            self._processes(["false"]).start(_NAME, self._command())

    def _command(self) -> list[str]:
        """Return the same words at every start of this sandbox's engine; what may differ is in its configuration."""
        return [
            "dockerd",
            f"--config-file={self._configuration}",
            f"--host={self.host}",
            f"--pidfile={self._directory / 'engine.pid'}",
            f"--exec-root={self._directory / 'exec'}",
            f"--cgroup-parent=/{self._group}",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--userland-proxy=false",
        ]

    def _settings(self, data_root: str | Path) -> str:
        return json.dumps({"data-root": str(data_root), "insecure-registries": self._registries})

    def _reconfigure(self) -> None:
        """Tell the running engine of registries that it does not know yet."""
        written = self._configuration.read_text()
        wanted = self._settings(json.loads(written)["data-root"])
        record = self._processes().record(_NAME)
        if written != wanted and record is not None:
            self._configuration.write_text(wanted)
            # insecure-registries is among what dockerd reads again (its manual, "configuration reload").
            self._processes().kill(record, signal.SIGHUP)

    def _environment(self) -> Mapping[str, str]:
        """Return the environment's proxies and CA bundles for pulls, with our own registry kept out of the proxies."""
        kept = {name: os.environ[name] for name in (*_PROXIES, *_CERTIFICATES) if os.environ.get(name)}
        for name in ("no_proxy", "NO_PROXY"):
            own = [*kept.get(name, "").split(","), *(registry.rpartition(":")[0] for registry in self._registries)]
            kept[name] = ",".join(dict.fromkeys(address for address in own if address))
        return kept

    def _answers(self) -> bool:
        if not self._socket.exists():
            return False
        client = None
        try:
            client = docker.DockerClient(base_url=self.host, timeout=5)
            return bool(client.ping())
        except (docker.errors.DockerException, requests.RequestException):
            return False
        finally:
            if client is not None:
                client.close()


def _prefix(slot: Slot) -> list[str]:
    """Return the words before dockerd's own: the lock on its layers, its namespaces, and the directory they hide."""
    # flock(1) hands its lock on to what it becomes: the slot is free again when the last process has ended, however it
    # ended. unshare ends with dockerd, and dockerd with unshare.
    lock = ["flock", "--nonblock", "--no-fork", "--conflict-exit-code", "75", str(slot.lock)]
    namespaces = ["unshare", "--mount", "--pid", "--propagation", "private", "--fork", "--kill-child", "--mount-proc"]
    # The shims of containerd keep their sockets in one fixed directory, whatever else it is told.
    hide = 'mkdir -p /run/containerd && mount -t tmpfs -o mode=711 tmpfs /run/containerd && exec "$@"'
    return [*lock, *namespaces, "sh", "-euc", hide, "sh"]
