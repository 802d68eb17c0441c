"""A real node: containerd, kubelet and kube-proxy in the sandbox's namespaces."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.cluster.api import Api, answers
from sandbox.cluster.commands import run
from sandbox.cluster.errors import ClusterError
from sandbox.cluster.files import write
from sandbox.cluster.node_files import (
    CONTAINERD_SOCKET,
    NODE,
    PROXY_HEALTH_PORT,
    containerd_config,
    kubelet_config,
    pod_network,
    proxy_config,
)
from sandbox.cluster.pause import PAUSE_IMAGE, write_pause_image
from sandbox.cluster.readiness import node_is_ready
from sandbox.process import file_watch_hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.cluster.namespaces import Namespaces
    from sandbox.cluster.network import Network
    from sandbox.cluster.registry import Registry
    from sandbox.process import ProcessStatus, Report

__all__ = ["CNI_DIRECTORIES", "RealNode", "node_mounts"]

TIMEOUT = 60.0
# Where Debian and upstream install network plugins.
CNI_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
KUBELET_PORT = 10250


class RealNode:
    """The node's three daemons. Their usual paths are the sandbox's own directories, seen only inside."""

    def __init__(
        self,
        directory: Path,
        binaries: Mapping[str, Path],
        *,
        plane: ControlPlane,
        namespaces: Namespaces,
        network: Network,
        registry: Registry,
        report: Report,
    ) -> None:
        self._directory = directory
        self._binaries = binaries
        self._plane = plane
        self._processes = plane.processes
        self._namespaces = namespaces
        self._network = network
        self._registry = registry
        self._report = report

    @property
    def names(self) -> list[str]:
        """The processes in the order in which they start."""
        return ["containerd", "kubelet", "kube-proxy"]

    def start_runtime(self) -> None:
        """Start containerd and give it the image that every pod needs."""
        self._write_runtime_files()
        self._processes.start("containerd", ["containerd", "--config", self._directory / "containerd.toml"])
        self._processes.wait(
            "containerd", lambda: self._runtime_complaint() is None, timeout=TIMEOUT, report=self._report
        )
        archive = self._directory / "pause.tar"
        write_pause_image(archive)
        ctr = [*self._namespaces.prefix, "ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"]
        # An answering socket does not mean that every plugin is loaded.
        self._processes.wait("containerd", lambda: _runs([*ctr, "version"]), timeout=TIMEOUT, report=self._report)
        # containerd runs on without what failed to load, and a kubelet would then fail with words of its own.
        broken = [line for line in run([*ctr, "plugins", "list"]).splitlines() if " cri " in line and "error" in line]
        if broken:
            said = [line for line in self._processes.tail("containerd", 200).splitlines() if "grpc.v1.cri" in line]
            words = said[-1] if said else broken[0]
            # The next start shall not find it as it is.
            self._processes.stop("containerd")
            raise ClusterError(f"containerd cannot serve a kubelet{file_watch_hint(words)}: {words}")
        if PAUSE_IMAGE not in run([*ctr, "images", "list", "--quiet"]).split():
            run([*ctr, "images", "import", archive])

    def start(self) -> None:
        """Start kubelet and kube-proxy; needs the API server and `start_runtime`."""
        self._write_node_files()
        self._processes.start(
            "kubelet",
            [
                self._binaries["kubelet"],
                f"--config={self._directory / 'kubelet.json'}",
                f"--kubeconfig={self._plane.directory / 'kubelet.kubeconfig'}",
                "--root-dir=/var/lib/kubelet",
                f"--hostname-override={NODE}",
                f"--node-ip={self._network.node}",
                "--node-labels=ml-platform/nodes=real",
            ],
        )
        self._processes.start(
            "kube-proxy", [self._binaries["kube-proxy"], f"--config={self._directory / 'kube-proxy.json'}"]
        )

    def ready(self) -> None:
        """Wait until the node takes pods and Services are routed."""
        api = self._plane.api
        kubelet = self._processes.record("kubelet")
        since = kubelet.since if kubelet else 0.0
        self._processes.wait(
            "kubelet",
            lambda: node_is_ready(api, NODE, since=since),
            timeout=TIMEOUT,
            report=self._report,
            what="the node",
        )
        self._processes.wait(
            "kube-proxy", lambda: self._proxy_complaint() is None, timeout=TIMEOUT, report=self._report
        )

    def status(self) -> list[ProcessStatus]:
        """Tell how each daemon is."""
        return [
            self._processes.status("containerd", self._runtime_complaint),
            self._processes.status("kubelet", self._kubelet_complaint),
            self._processes.status("kube-proxy", self._proxy_complaint),
        ]

    def _runtime_complaint(self) -> str | None:
        # The namespace's files can be reached through its holder, and a socket is a file.
        path = f"/proc/{self._namespaces.pid}/root{CONTAINERD_SOCKET}"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(path)
            except OSError as error:
                return f"{CONTAINERD_SOCKET}: {error}"
        return None

    def _kubelet_complaint(self) -> str | None:
        authority = self._plane.authority
        admin = authority.issue("admin", "ml-platform:admin", organization="system:masters")
        return Api(self._network.node, KUBELET_PORT, authority=authority.pair, client=admin).health("/healthz")

    def _proxy_complaint(self) -> str | None:
        return answers(self._network.node, PROXY_HEALTH_PORT, "/healthz")

    def _write_runtime_files(self) -> None:
        hosts = self._directory / "registries"
        for name, content in self._registry.mirrors().items():
            write(hosts / name / "hosts.toml", content)
        plugins = next((path for path in CNI_DIRECTORIES if (path / "bridge").exists()), None)
        if plugins is None:
            raise ClusterError("no network plugins found: apt-get install containernetworking-plugins")
        configuration = self._directory / "net.d"
        write(configuration / "10-sandbox.conflist", json.dumps(pod_network(self._network)))
        content = containerd_config(hosts, plugins, configuration, snapshots=self._snapshots())
        write(self._directory / "containerd.toml", content)

    def _snapshots(self) -> str:
        """Return how containerd can stack an image's layers: overlaid, or copied where no overlay is allowed.

        Such a place is a container, whose own files are an overlay already.
        """
        script = (
            "cd /var/lib/containerd && mkdir -p probe/lower probe/upper probe/work probe/merged && "
            "mount -t overlay overlay -o lowerdir=probe/lower,upperdir=probe/upper,workdir=probe/work probe/merged && "
            "umount probe/merged && rm -r probe"
        )
        return "overlayfs" if _runs([*self._namespaces.prefix, "sh", "-ec", script]) else "native"

    def _write_node_files(self) -> None:
        plane = self._plane
        write(self._directory / "resolv.conf", "# Pods ask the cluster's own server; the node asks nobody.\n")
        plane.write_kubeconfig("kubelet", f"system:node:{NODE}", group="system:nodes")
        proxy = plane.write_kubeconfig("kube-proxy", "system:kube-proxy")
        serving = plane.authority.issue("kubelet-serving", f"system:node:{NODE}", hosts=[NODE, self._network.node])
        kubelet = kubelet_config(
            network=self._network,
            group=self._namespaces.name,
            resolver=self._directory / "resolv.conf",
            authority=plane.authority.pair.certificate,
            certificate=serving.certificate,
            key=serving.key,
        )
        write(self._directory / "kubelet.json", json.dumps(kubelet, indent=1))
        write(self._directory / "kube-proxy.json", json.dumps(proxy_config(self._network, proxy), indent=1))


def node_mounts(directory: Path) -> dict[str, Path]:
    """Return where a node's directories stand in for the machine's, inside its namespaces."""
    return {
        "/var/lib/containerd": directory / "containerd",
        "/var/lib/kubelet": directory / "kubelet",
        "/var/lib/cni": directory / "cni",
        "/var/log": directory / "log",
    }


def _runs(argv: list[str]) -> bool:
    try:
        run(argv)
    except ClusterError:
        return False
    return True
