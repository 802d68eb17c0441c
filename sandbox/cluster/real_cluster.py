"""A cluster with a real node: everything in private namespaces, joined to this machine by one link."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.cluster.cgroups import make_groups, remove_groups
from sandbox.cluster.cluster_dns import ClusterDns
from sandbox.cluster.control_plane import BINARIES, ControlPlane, end_control_plane
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.gateway import Gateway
from sandbox.cluster.kubeconfig import CONTEXT
from sandbox.cluster.namespaces import Namespaces
from sandbox.cluster.network import chosen_network, connect, disconnect
from sandbox.cluster.real import RealNode, node_mounts
from sandbox.cluster.registry import Registry
from sandbox.cluster.resource_metrics import ResourceMetrics
from sandbox.cluster.walls import Walls
from sandbox.process import Processes

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster.api import Api
    from sandbox.cluster.certificates import Authority
    from sandbox.cluster.network import Network
    from sandbox.cluster.programs import Programs
    from sandbox.paths import Layout
    from sandbox.process import ProcessStatus, Report

__all__ = ["RealCluster"]

NEEDED = (*BINARIES, "kubelet", "kube-proxy", "coredns", "docker-registry")
# What may be added to a cluster that runs, and belongs to it from then on.
ADDED = ("metrics-server", "traefik", "kube-router")
# What systemd or, for the last three, a kubelet would start again on a server. The control plane stays as it was left:
# `python -m sandbox start-cluster` starts it again.
SUPERVISED = ("containerd", "kubelet", "kube-proxy", "coredns", *ADDED)
# In the order in which they end, and etcd after them: nodes before what they report to.
ENDING = (
    "kube-router",
    "traefik",
    "metrics-server",
    "coredns",
    "kube-proxy",
    "kubelet",
    "containerd",
    "registry",
    *BINARIES[:0:-1],
)


@dataclass(frozen=True)
class _Parts:
    plane: ControlPlane
    registry: Registry
    node: RealNode
    dns: ClusterDns
    metrics: ResourceMetrics
    gateway: Gateway
    walls: Walls


class RealCluster:
    """Control plane, node and what stands beside them, in one sandbox's directory."""

    context = CONTEXT

    def __init__(self, layout: Layout, programs: Programs, *, grace: float, report: Report) -> None:
        self._layout = layout
        self._programs = programs
        self._grace = grace
        self._report = report
        self._directory = layout.cluster / "real"
        # Names a link (15 characters at most) and a control group after the directory, the one thing that two
        # sandboxes never share.
        self.name = f"mlp-{hashlib.sha256(str(layout.root).encode()).hexdigest()[:8]}"
        self.processes = Processes(layout.run, layout.logs)
        self.namespaces = Namespaces(self.name, self.processes, layout.cluster)

    @property
    def network(self) -> Network:
        """The cluster's addresses, chosen at the first question."""
        return chosen_network(self._layout.cluster / "network.json", self.name)

    @property
    def registry(self) -> str:
        """Host and port of the registry, in the names of images."""
        return f"{self.network.node}:5000"

    @property
    def addresses(self) -> list[str]:
        """Networks that are the cluster's own."""
        return self.network.ranges

    @property
    def gateway(self) -> str:
        """Where routes are served, once the gateway runs."""
        return f"http://{self.network.node}"

    @property
    def api(self) -> Api:
        """The API server as its administrator."""
        return self._parts().plane.api

    @property
    def authority(self) -> Authority:
        """The authority that signs users."""
        return self._parts().plane.authority

    def start(self) -> Path:
        """Start what is not running; return the administrator's kubeconfig."""
        if self._layout.root.is_relative_to("/run"):
            raise ClusterError(f"{self._layout.root}: a sandbox cannot be in /run, which its processes do not see")
        self._programs.require(NEEDED)
        network = self.network
        if not self.namespaces.alive:
            # What a killed sandbox left: its processes died with its namespaces, and the supervisor when it saw that.
            self.processes.stop("supervisor", grace=self._grace)
            end_control_plane(self.processes, ENDING, grace=self._grace)
            self._clear()
        self._report(f"making namespaces and network {network.block}")
        make_groups(self.name)
        if self.namespaces.start(node_mounts(self._directory)):
            disconnect(self.name)
        connect(network, self.namespaces.pid, self.namespaces.prefix)
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
        if self._has("metrics-server"):
            parts.metrics.start()
        if self._has("traefik"):
            parts.gateway.start()
            parts.gateway.ready()
        if self._has("kube-router"):
            parts.walls.start()
            parts.walls.ready()
        where = (self._layout.run, self._layout.logs, str(self.namespaces.pid))
        self.processes.start("supervisor", [sys.executable, "-m", "sandbox.cluster.supervisor", *where, *SUPERVISED])
        return parts.plane.kubeconfig

    def start_metrics(self) -> None:
        """Start metrics-server and wait until it has measured."""
        self._programs.require(["metrics-server"])
        metrics = self._parts().metrics
        metrics.start()
        # From now on it belongs to the cluster: its API is registered, and must answer after every restart.
        self._add("metrics-server")
        metrics.ready()

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers; needs the Gateway API's kinds."""
        self._programs.require(["traefik"])
        self._add("traefik")
        gateway = self._parts().gateway
        gateway.start()
        gateway.ready()

    def start_walls(self) -> None:
        """Enforce NetworkPolicies from now on; without it they are accepted and mean nothing."""
        self._programs.require(["kube-router"])
        self._add("kube-router")
        walls = self._parts().walls
        walls.start()
        walls.ready()

    def stop(self) -> None:
        """End everything: processes, mounts, links, firewall tables, control groups."""
        # First: it would start again what is ended.
        self.processes.stop("supervisor", grace=self._grace)
        end_control_plane(self.processes, ENDING, grace=self._grace)
        self.namespaces.stop()
        self._clear()

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        added = [name for name in ADDED if self._has(name)]
        if not self.namespaces.alive:
            names = [
                "namespaces",
                "supervisor",
                *BINARIES,
                "registry",
                "containerd",
                "kubelet",
                "kube-proxy",
                "coredns",
                *added,
            ]
            return [self.processes.status(name) for name in names]
        parts = self._parts()
        return [
            self.processes.status("namespaces"),
            self.processes.status("supervisor"),
            *parts.plane.status(),
            parts.registry.status(),
            *parts.node.status(),
            parts.dns.status(),
            *([parts.metrics.status()] if "metrics-server" in added else []),
            *([parts.gateway.status()] if "traefik" in added else []),
            *([parts.walls.status()] if "kube-router" in added else []),
        ]

    def _start_runtime(self, parts: _Parts) -> None:
        parts.registry.start()
        parts.node.start_runtime()
        parts.registry.ready(self._report)

    def _parts(self) -> _Parts:
        network, report = self.network, self._report
        binaries = self._programs.find((*NEEDED, *ADDED))
        plane = ControlPlane(
            self._directory,
            binaries,
            address=network.node,
            service_range=network.services,
            prefix=self.namespaces.prefix,
            own_network=True,
            run=self._layout.run,
            logs=self._layout.logs,
            report=report,
        )
        registry = Registry(self._directory, binaries, plane.processes, network.node)
        node = RealNode(
            self._directory,
            binaries,
            plane=plane,
            namespaces=self.namespaces,
            network=network,
            registry=registry,
            report=report,
        )
        return _Parts(
            plane=plane,
            registry=registry,
            node=node,
            dns=ClusterDns(self._directory, binaries, plane=plane, network=network, report=report),
            metrics=ResourceMetrics(binaries, plane=plane, network=network, report=report),
            gateway=Gateway(self._directory, binaries, plane=plane, network=network, report=report),
            walls=Walls(binaries, plane=plane, namespaces=self.namespaces, network=network, report=report),
        )

    def _has(self, added: str) -> bool:
        return (self._directory / f"has-{added}").exists()

    def _add(self, added: str) -> None:
        (self._directory / f"has-{added}").touch()

    def _clear(self) -> None:
        """Remove what outlives processes: this machine's end of the network, and control groups."""
        if os.geteuid() != 0:
            return
        if shutil.which("ip"):
            disconnect(self.name)
        left = remove_groups(self.name)
        if left:
            raise ClusterError(f"control groups are still in use: {', '.join(str(path) for path in left)}")
