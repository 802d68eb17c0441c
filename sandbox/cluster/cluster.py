"""The sandbox's cluster: started, looked at and taken down as one thing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.cgroups import make_groups, remove_groups
from sandbox.cluster.choice import remember_nodes, remembered_nodes
from sandbox.cluster.cluster_dns import ClusterDns
from sandbox.cluster.control_plane import BINARIES, CONTEXT, ControlPlane, cached_binaries
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.files import write_private
from sandbox.cluster.namespaces import Namespaces
from sandbox.cluster.network import chosen_network, connect, disconnect
from sandbox.cluster.real import RealNode, node_mounts
from sandbox.cluster.registry import Registry
from sandbox.cluster.resource_metrics import ResourceMetrics
from sandbox.cluster.simulated import DEFAULT_SHAPES, SimulatedNodes
from sandbox.process import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.cluster.choice import Nodes
    from sandbox.cluster.network import Network
    from sandbox.cluster.simulated import NodeShape
    from sandbox.paths import Layout
    from sandbox.process import ProcessStatus, Report

__all__ = ["Cluster"]

REAL = (*BINARIES, "kubelet", "kube-proxy", "coredns", "docker-registry")
SIMULATED = (*BINARIES, "kwok")
# Every process that a cluster may have, in the order in which they end: nodes before what they report to.
PROCESSES = (
    "metrics-server",
    "coredns",
    "kube-proxy",
    "kubelet",
    "containerd",
    "registry",
    "kwok",
    *reversed(BINARIES),
)
# With what `down` may take, 15 s, in mind: what has not ended by then is killed.
GRACE = 3.0


@dataclass(frozen=True)
class _Real:
    """The parts of a cluster with a real node."""

    plane: ControlPlane
    registry: Registry
    node: RealNode
    dns: ClusterDns


class Cluster:
    """A cluster in one sandbox's directory. All methods may be called again, and by another process than before."""

    def __init__(
        self,
        layout: Layout,
        *,
        nodes: Nodes,
        report: Report = print,
        shapes: Sequence[NodeShape] = DEFAULT_SHAPES,
    ) -> None:
        self.layout = layout
        self.nodes = nodes
        self.context = CONTEXT
        self._report = report
        self._shapes = shapes
        # Of each kind of nodes its own data: what one has stored means nothing to the other.
        self._directory = layout.cluster / nodes.kind
        # Names a link (15 characters at most) and a control group after the directory, the one thing that two
        # sandboxes never share.
        self._name = f"mlp-{hashlib.sha256(str(layout.root).encode()).hexdigest()[:8]}"
        self._processes = Processes(layout.run, layout.logs)
        self._namespaces = Namespaces(self._name, self._processes, layout.cluster)

    @property
    def network(self) -> Network | None:
        """The addresses of a cluster with real nodes, chosen at the first question."""
        return chosen_network(self.layout.cluster / "network.json", self._name) if self._real else None

    @property
    def registry(self) -> str | None:
        """Host and port of the registry, in the names of images; None with simulated nodes, which pull none."""
        return f"{self.network.node}:5000" if self.network else None

    @property
    def addresses(self) -> list[str]:
        """Networks that are the cluster's own, for NO_PROXY."""
        return self.network.ranges if self.network else ["127.0.0.1"]

    def start(self) -> None:
        """Start what is not running, wait until the cluster is ready and write the administrator's kubeconfig.

        Raises `ProcessError`, with the end of its log, when a process does not come up, and `ClusterError` when
        something that the user can mend is in the way.
        """
        with self._locked():
            former = remembered_nodes(self.layout)
            if former is not None and former.kind != self.nodes.kind:
                raise ClusterError(
                    f"this sandbox has {former.kind} nodes: take it down (`make down`) before changing them"
                )
            if self._real and self.layout.root.is_relative_to("/run"):
                raise ClusterError(f"{self.layout.root}: a sandbox cannot be in /run, which its processes do not see")
            remember_nodes(self.layout, self.nodes)
            begun = time.monotonic()
            plane = self._start_real() if self._real else self._start_simulated()
            write_private(self.layout.kubeconfig, plane.kubeconfig.read_bytes())
            self._report(f"cluster ready after {time.monotonic() - begun:.1f} s: {plane.server}")

    def start_metrics(self) -> None:
        """Start metrics-server and wait until it has measured; simulated nodes have nothing to measure."""
        if not self._real:
            return
        with self._locked():
            metrics = self._metrics(self._parts().plane)
            metrics.start()
            # From now on it belongs to the cluster: its API is registered, and must answer after every restart.
            (self._directory / "metrics").touch()
            metrics.ready()

    def stop(self) -> None:
        """End everything: processes, mounts, links, firewall tables, control groups. Data stay in the directory.

        Raises `ClusterError` when something is left.
        """
        with self._locked():
            self._processes.stop_all(PROCESSES, grace=GRACE)
            self._namespaces.stop()
            self._clear()
            self.layout.kubeconfig.unlink(missing_ok=True)
            remember_nodes(self.layout, None)

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        if not self._real:
            plane = self._simulated_plane()
            return plane.status() + SimulatedNodes(plane, report=self._report).status()
        if not self._namespaces.alive:
            names = ["namespaces", *BINARIES, "registry", "containerd", "kubelet", "kube-proxy", "coredns"]
            return [self._processes.status(name) for name in names]
        parts = self._parts()
        metrics = self._metrics(parts.plane)
        optional = [metrics.status()] if (self._directory / "metrics").exists() else []
        return [
            self._processes.status("namespaces"),
            *parts.plane.status(),
            parts.registry.status(),
            *parts.node.status(),
            parts.dns.status(),
            *optional,
        ]

    def logs(self, name: str, lines: int = 50) -> str:
        """Return the end of a process's log."""
        return self._processes.tail(name, lines)

    @property
    def _real(self) -> bool:
        return self.nodes.kind == "real"

    def _start_simulated(self) -> ControlPlane:
        self._report("starting the control plane")
        plane = self._simulated_plane()
        plane.binaries = self._binaries(SIMULATED)
        plane.start()
        SimulatedNodes(plane, shapes=self._shapes, report=self._report).start()
        return plane

    def _start_real(self) -> ControlPlane:
        self._binaries(REAL)
        network = self.network
        if network is None:
            raise AssertionError("real nodes have a network")
        if not self._namespaces.alive:
            # What a killed sandbox left: its processes died with its namespaces.
            self._processes.stop_all(PROCESSES, grace=GRACE)
            self._clear()
        self._report(f"making namespaces and network {network.block}")
        make_groups(self._name)
        if self._namespaces.start(node_mounts(self._directory)):
            disconnect(self._name)
        connect(network, self._namespaces.pid, self._namespaces.prefix)
        parts = self._parts()
        self._report("starting the control plane, the registry and the container runtime")
        with ThreadPoolExecutor(max_workers=2) as pool:
            runtime = pool.submit(self._start_runtime, parts)
            servers = pool.submit(parts.plane.start_servers)
            servers.result()
            runtime.result()
        self._report("starting the node")
        parts.node.start()
        parts.dns.start()
        parts.plane.start_controllers()
        parts.node.ready()
        parts.dns.ready()
        if (self._directory / "metrics").exists():
            self._metrics(parts.plane).start()
        return parts.plane

    def _start_runtime(self, parts: _Real) -> None:
        parts.registry.start()
        parts.node.start_runtime()
        parts.registry.ready(self._report)

    def _simulated_plane(self) -> ControlPlane:
        return ControlPlane(
            self._directory,
            self._binaries(SIMULATED, required=False),
            pods_answer=False,
            run=self.layout.run,
            logs=self.layout.logs,
            report=self._report,
        )

    def _parts(self) -> _Real:
        network = self.network
        if network is None:
            raise AssertionError("real nodes have a network")
        binaries = self._binaries(REAL, required=False)
        plane = ControlPlane(
            self._directory,
            binaries,
            address=network.node,
            service_range=network.services,
            prefix=self._namespaces.prefix,
            own_network=True,
            run=self.layout.run,
            logs=self.layout.logs,
            report=self._report,
        )
        registry = Registry(self._directory, binaries, plane.processes, network.node)
        node = RealNode(
            self._directory,
            binaries,
            plane=plane,
            namespaces=self._namespaces,
            network=network,
            registry=registry,
            report=self._report,
        )
        dns = ClusterDns(self._directory, binaries, plane=plane, network=network, report=self._report)
        return _Real(plane=plane, registry=registry, node=node, dns=dns)

    def _metrics(self, plane: ControlPlane) -> ResourceMetrics:
        if self.network is None:
            raise AssertionError("real nodes have a network")
        binaries = self._binaries(("metrics-server",), required=False)
        return ResourceMetrics(binaries, plane=plane, network=self.network, report=self._report)

    def _binaries(self, names: Sequence[str], *, required: bool = True) -> dict[str, Path]:
        """Return where each program is: linked into the sandbox, else in the cache, else on PATH."""
        found = {name: Path(path) for name in names if (path := shutil.which(name))}
        found |= cached_binaries(names)
        found |= {name: self.layout.tools / name for name in names if (self.layout.tools / name).exists()}
        missing = sorted(set(names) - set(found))
        if missing and required:
            raise ClusterError(f"programs missing: {', '.join(missing)}; `make up` provides them")
        return found

    def _clear(self) -> None:
        """Remove what outlives processes: this machine's end of the network, and control groups."""
        if os.geteuid() != 0:
            return
        if shutil.which("ip"):
            disconnect(self._name)
        left = remove_groups(self._name)
        if left:
            raise ClusterError(f"control groups are still in use: {', '.join(str(path) for path in left)}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one command at a time change the cluster; the kernel unlocks when a command is killed."""
        self.layout.cluster.mkdir(parents=True, exist_ok=True)
        with (self.layout.cluster / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._report("waiting for another command that changes this cluster")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
