"""The sandbox's cluster: started, looked at and taken down as one thing."""

from __future__ import annotations

import contextlib
import fcntl
import time
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.cluster.choice import remember_nodes, remembered_nodes
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.files import write_private
from sandbox.cluster.gateway_api import install_gateway_api
from sandbox.cluster.kind import KindCluster
from sandbox.cluster.programs import Programs
from sandbox.cluster.real_cluster import RealCluster
from sandbox.cluster.simulated import DEFAULT_SHAPES
from sandbox.cluster.simulated_cluster import SimulatedCluster
from sandbox.cluster.users import user_kubeconfig
from sandbox.process import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sandbox.cluster.api import Api
    from sandbox.cluster.choice import Nodes
    from sandbox.cluster.network import Network
    from sandbox.cluster.simulated import NodeShape
    from sandbox.paths import Layout
    from sandbox.process import ProcessStatus, Report

__all__ = ["Cluster"]

# With what `down` may take, 15 s, in mind: what has not ended by then is killed.
GRACE = 3.0


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
        self._report = report
        programs = Programs(layout)
        # Of each kind of nodes its own data: what one has stored means nothing to the other.
        self.parts: KindCluster | RealCluster | SimulatedCluster
        if nodes.kind == "kind":
            self.parts = KindCluster(layout, programs, report=report)
        elif nodes.kind == "real":
            self.parts = RealCluster(layout, programs, grace=GRACE, report=report)
        else:
            self.parts = SimulatedCluster(layout, programs, shapes=shapes, grace=GRACE, report=report)

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""
        return self.parts.context

    @property
    def network(self) -> Network | None:
        """The addresses of a cluster with real nodes of our own."""
        return self.parts.network

    @property
    def registry(self) -> str | None:
        """Host and port of the registry, in the names of images; None with simulated nodes, which pull none."""
        return self.parts.registry

    @property
    def gateway(self) -> str | None:
        """Where routes are served, once `start_gateway` is through; None where nodes are not our own."""
        return self.parts.gateway

    @property
    def addresses(self) -> list[str]:
        """Networks that are the cluster's own, for NO_PROXY."""
        return self.parts.addresses

    @property
    def api(self) -> Api:
        """The API server as its administrator."""
        return self.parts.api

    def kubeconfig_of(self, subject: str, *, group: str | None, namespace: str | None) -> dict[str, Any]:
        """Return the kubeconfig of somebody else than the administrator; see `user_kubeconfig`."""
        if not self.layout.kubeconfig.exists():
            raise ClusterError("no cluster is up here: `make up` starts one")
        return user_kubeconfig(
            yaml.safe_load(self.layout.kubeconfig.read_text()),
            subject,
            api=self.api,
            authority=self.parts.authority,
            group=group,
            namespace=namespace,
        )

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
            remember_nodes(self.layout, self.nodes)
            begun = time.monotonic()
            kubeconfig = self.parts.start()
            write_private(self.layout.kubeconfig, kubeconfig.read_bytes())
            self._report(f"cluster ready after {time.monotonic() - begun:.1f} s")

    def install_gateway_api(self, definitions: Path) -> None:
        """Declare the Gateway API's kinds, from the directory of `provide_gateway_api`, and the gateway's classes."""
        with self._locked():
            install_gateway_api(self.api, definitions)

    def start_metrics(self) -> None:
        """Start metrics-server and wait until it has measured; simulated nodes have nothing to measure."""
        with self._locked():
            self.parts.start_metrics()

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers, after `install_gateway_api`; simulated nodes have none."""
        with self._locked():
            self.parts.start_gateway()

    def start_walls(self) -> None:
        """Enforce NetworkPolicies from now on; simulated nodes send no packets."""
        with self._locked():
            self.parts.start_walls()

    def stop(self) -> None:
        """End everything: processes, mounts, links, firewall tables, control groups. Data stay in the directory.

        Raises `ClusterError` when something is left.
        """
        with self._locked():
            self.parts.stop()
            self.layout.kubeconfig.unlink(missing_ok=True)
            remember_nodes(self.layout, None)

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        return self.parts.status()

    def logs(self, name: str, lines: int = 50) -> str:
        """Return the end of a process's log."""
        return Processes(self.layout.run, self.layout.logs).tail(name, lines)

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
