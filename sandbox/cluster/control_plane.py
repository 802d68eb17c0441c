"""A Kubernetes control plane as ordinary processes: etcd, API server, controller manager, scheduler."""

from __future__ import annotations

import json
import socket
import time
from functools import partial
from typing import TYPE_CHECKING

from sandbox.cluster.api import Api
from sandbox.cluster.apiserver_files import write_apiserver_files
from sandbox.cluster.certificates import Authority
from sandbox.cluster.files import write_private
from sandbox.cluster.kubeconfig import kubeconfig
from sandbox.cluster.ports import free, remembered_ports
from sandbox.cluster.rbac import cluster_role_binding
from sandbox.cluster.servers import Servers
from sandbox.process import Processes, ProcessStatus, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["BINARIES", "ControlPlane", "end_control_plane"]

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# The range of kubeadm's default, when nobody routes to it.
SERVICE_RANGE = "10.96.0.0/16"
# A machine with two busy cores takes 4 s to a ready API server; ten times that is a fault.
TIMEOUT = 60.0
# By how many per cent an API server's heap grows before Go collects it; Go's own is 100. A sandbox has more memory than
# processor: measured with 300 instead of 100, a start takes 2.4 s of it and not 2.9, all later requests a quarter less,
# and 120 MiB more are resident.
COLLECT_AT = "300"
# A killed process counts as dead a moment before the kernel has closed its sockets.
RELEASE_SECONDS = 2.0


class ControlPlane:
    """etcd, kube-apiserver and, with `controllers`, kube-controller-manager and kube-scheduler.

    Everything is kept in `directory`: certificates of its own authority, data, ports, logs. `start` brings up what is
    not running, so that it also mends a control plane one of whose processes was killed; addresses, certificates and
    data stay the same. Authorisation is Node and RBAC, nobody is anonymous, Secrets are encrypted in etcd.

    With `pods_answer=False` the API server never sends a request to a node, a pod or a webhook: addresses of simulated
    pods may be anybody's, so that a request to one must fail here instead of leaving the machine.

    `prefix` runs the processes elsewhere, and `own_network` says that nothing else runs there: all usual ports are free
    and `address` is not this machine's own.
    """

    def __init__(
        self,
        directory: Path,
        binaries: Mapping[str, Path],
        *,
        address: str = "127.0.0.1",
        service_range: str = SERVICE_RANGE,
        controllers: bool = True,
        pods_answer: bool = True,
        prefix: Sequence[str] = (),
        own_network: bool = False,
        run: Path | None = None,
        logs: Path | None = None,
        report: Report = lambda _line: None,
    ) -> None:
        self.directory = directory.resolve()
        self.binaries = binaries
        self.address = address
        self.service_range = service_range
        self.controllers = controllers
        self.pods_answer = pods_answer
        self.processes = Processes(run or self.directory / "run", logs or self.directory / "logs", prefix=prefix)
        self._report = report
        self._certificates = self.directory / "certificates"
        # Only in a namespace of its own is a port known to be free; there the usual numbers are the clearest.
        self._own_network = own_network

    @property
    def names(self) -> list[str]:
        """The processes in the order in which they start."""
        return list(BINARIES if self.controllers else BINARIES[:2])

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, with certificates inside, mode 0600."""
        return self.directory / "admin.kubeconfig"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.ports['kube-apiserver']}"

    @property
    def ports(self) -> dict[str, int]:
        """The port of each server."""
        if self._own_network:
            return {
                "etcd": 2379,
                "etcd-peer": 2380,
                "kube-apiserver": 6443,
                "kube-controller-manager": 10257,
                "kube-scheduler": 10259,
            }
        names = ["etcd", "etcd-peer", *BINARIES[1:]]
        return remembered_ports(self.directory / "ports.json", names, self.address)

    @property
    def authority(self) -> Authority:
        """The authority of the cluster: it signs servers, nodes and users."""
        return Authority(self._certificates, "ca")

    @property
    def api(self) -> Api:
        """The API server as its administrator."""
        return self.api_as("admin", "ml-platform:admin", "system:masters")

    def api_as(self, name: str, user: str, group: str | None = None) -> Api:
        """Return the API server as another user, authenticated by a client certificate."""
        client = self.authority.issue(name, user, organization=group)
        return Api(self.address, self.ports["kube-apiserver"], authority=self.authority.pair, client=client)

    def start(self) -> None:
        """Start what is not running and wait until the API server answers and pods may be created.

        Raises `ProcessError`, with the end of the log, when a process dies or does not become ready.
        """
        back = not all(self.processes.alive(name) for name in BINARIES[:2])
        self.start_servers()
        if back:
            # Controllers whose server died ask it again after ever longer pauses, up to a minute in which no pod is
            # made; started anew they are at work in two seconds. Not so kwok: each has its nodes by a lease of 40 s,
            # which a new one would wait for.
            self.processes.stop_all(self.names[2:])
        self.start_controllers()

    def start_servers(self) -> None:
        """Start etcd and the API server, and wait until they are ready."""
        self._free_ports()
        self._write_files()
        self.processes.start("etcd", self._servers.etcd())
        self.processes.wait("etcd", self._listens("etcd"), timeout=TIMEOUT, report=self._report)
        self.processes.start("kube-apiserver", self._servers.apiserver(), environment={"GOGC": COLLECT_AT})
        api = self.api
        self.processes.wait(
            "kube-apiserver", lambda: api.health() is None, timeout=TIMEOUT, report=self._report, what="the API server"
        )
        api.apply(KUBELET_ACCESS)

    def start_controllers(self) -> None:
        """Start controller manager and scheduler, and wait until a pod may be created in namespace default."""
        if not self.controllers:
            return
        self.processes.start("kube-scheduler", self._servers.scheduler())
        self.processes.start("kube-controller-manager", self._servers.controller_manager())
        api = self.api
        # Pods are refused until the controller manager has made their namespace's service account.
        self.processes.wait(
            "kube-controller-manager",
            lambda: api.get("/api/v1/namespaces/default/serviceaccounts/default") is not None,
            timeout=TIMEOUT,
            report=self._report,
            what="the controllers",
        )
        for name in BINARIES[2:]:
            self.processes.wait(name, self._healthy(name), timeout=TIMEOUT, report=self._report)

    def stop(self) -> None:
        """Stop everything; data and certificates stay for the next start."""
        end_control_plane(self.processes, self.names[1:][::-1])

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        return [self.processes.status(name, partial(self._health, name)) for name in self.names]

    def write_kubeconfig(self, name: str, user: str, *, group: str | None = None) -> Path:
        """Write a kubeconfig for a user, with certificates inside, and return its path."""
        pair = self.authority.issue(name, user, organization=group)
        path = self.directory / f"{name}.kubeconfig"
        config = kubeconfig(self.server, self.authority.pair, pair)
        write_private(path, json.dumps(config, indent=1).encode())
        return path

    @property
    def _servers(self) -> Servers:
        return Servers(
            directory=self.directory,
            binaries=self.binaries,
            ports=self.ports,
            authority=self.authority,
            address=self.address,
            local=self._local,
            service_range=self.service_range,
            own_network=self._own_network,
            pods_answer=self.pods_answer,
        )

    def _free_ports(self) -> None:
        """Choose all ports anew when a stopped process's port was taken by somebody else meanwhile."""
        if self._own_network:
            return
        dead = [name for name in self.names if not self.processes.alive(name)]
        taken = [name for name in dead if not free(self.address, self.ports[name])]
        end = time.monotonic() + RELEASE_SECONDS
        while taken and time.monotonic() < end:
            time.sleep(RELEASE_SECONDS / 20)
            taken = [name for name in taken if not free(self.address, self.ports[name])]
        if taken:
            self._report("a port of the control plane is taken by another program: choosing others")
            self.stop()
            (self.directory / "ports.json").unlink()

    def _listens(self, name: str) -> Callable[[], bool]:
        def check() -> bool:
            with socket.socket() as client:
                client.settimeout(1)
                return client.connect_ex((self._local, self.ports[name])) == 0

        return check

    @property
    def _local(self) -> str:
        # Seen from the host, a loopback address inside another network namespace is out of reach; the namespace's
        # own address is not.
        return self.address if self._own_network else "127.0.0.1"

    def _health(self, name: str) -> str | None:
        pair = self.authority.issue("admin", "ml-platform:admin", organization="system:masters")
        authority = self.authority.pair
        path = "/healthz"
        if name == "etcd":
            authority = Authority(self._certificates, "etcd-ca").pair
            pair = Authority(self._certificates, "etcd-ca").issue("etcd-client", "kube-apiserver")
            path = "/health"
        elif name == "kube-apiserver":
            path = "/readyz"
        return Api(self._local, self.ports[name], authority=authority, client=pair).health(path)

    def _healthy(self, name: str) -> Callable[[], bool]:
        return lambda: self._health(name) is None

    def _write_files(self) -> None:
        self._certificates.mkdir(parents=True, exist_ok=True)
        self._certificates.chmod(0o700)
        write_apiserver_files(self.directory)
        self.write_kubeconfig("admin", "ml-platform:admin", group="system:masters")
        if self.controllers:
            self.write_kubeconfig("kube-controller-manager", "system:kube-controller-manager")
            self.write_kubeconfig("kube-scheduler", "system:kube-scheduler")


def end_control_plane(processes: Processes, others: Sequence[str], *, grace: float = 5.0) -> None:
    """End the other processes, all at once, and etcd after them.

    An API server that is asked to end may still want to tell etcd something; without one it waits until it is killed.
    """
    processes.stop_all(others, grace=grace)
    processes.stop_all(["etcd"], grace=grace)


# The API server asks kubelets for logs and port forwards under this name; system:masters would do, and may do too much.
KUBELET_ACCESS = cluster_role_binding(
    "sandbox:kubelet-client", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"
)
