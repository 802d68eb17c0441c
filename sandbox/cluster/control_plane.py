"""A Kubernetes control plane as ordinary processes: etcd, API server, controller manager, scheduler."""

from __future__ import annotations

import argparse
import base64
import ipaddress
import json
import secrets
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import Api
from sandbox.cluster.certificates import Authority, Pair, service_account_keys
from sandbox.cluster.files import write, write_private
from sandbox.cluster.ports import free, remembered_ports
from sandbox.paths import cache_directory
from sandbox.process import ProcessError, Processes, ProcessStatus, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["BINARIES", "CONTEXT", "ControlPlane", "cached_binaries"]

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# The context's name in every kubeconfig that is written here.
CONTEXT = "sandbox"
DOMAIN = "cluster.local"
# The range of kubeadm's default, when nobody routes to it.
SERVICE_RANGE = "10.96.0.0/16"
# A machine with two busy cores takes 4 s to a ready API server; ten times that is a fault.
TIMEOUT = 60.0
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
        self.start_servers()
        self.start_controllers()

    def start_servers(self) -> None:
        """Start etcd and the API server, and wait until they are ready."""
        self._free_ports()
        self._write_files()
        self.processes.start("etcd", self._etcd())
        self.processes.wait("etcd", self._listens("etcd"), timeout=TIMEOUT, report=self._report)
        self.processes.start("kube-apiserver", self._apiserver())
        api = self.api
        self.processes.wait(
            "kube-apiserver", lambda: api.health() is None, timeout=TIMEOUT, report=self._report, what="the API server"
        )
        api.apply(KUBELET_ACCESS)

    def start_controllers(self) -> None:
        """Start controller manager and scheduler, and wait until a pod may be created in namespace default."""
        if not self.controllers:
            return
        self.processes.start("kube-scheduler", self._scheduler())
        self.processes.start("kube-controller-manager", self._controller_manager())
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
        self.processes.stop_all(list(reversed(self.names)))

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        return [self.processes.status(name, partial(self._health, name)) for name in self.names]

    def write_kubeconfig(self, name: str, user: str, *, group: str | None = None) -> Path:
        """Write a kubeconfig for a user, with certificates inside, and return its path."""
        pair = self.authority.issue(name, user, organization=group)
        path = self.directory / f"{name}.kubeconfig"
        config = _kubeconfig(self.server, self.authority.pair, pair)
        write_private(path, json.dumps(config, indent=1).encode())
        return path

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
        encryption = self.directory / "encryption.json"
        if not encryption.exists():
            write_private(encryption, json.dumps(_encryption()).encode())
        write(self.directory / "egress.json", json.dumps(_no_egress(self.directory)))
        self.write_kubeconfig("admin", "ml-platform:admin", group="system:masters")
        if self.controllers:
            self.write_kubeconfig("kube-controller-manager", "system:kube-controller-manager")
            self.write_kubeconfig("kube-scheduler", "system:kube-scheduler")

    def _etcd(self) -> list[str]:
        authority = Authority(self._certificates, "etcd-ca")
        server = authority.issue("etcd", "etcd", hosts=["localhost", self._local])
        client = f"https://{self._local}:{self.ports['etcd']}"
        peer = f"https://{self._local}:{self.ports['etcd-peer']}"
        return [
            str(self.binaries["etcd"]),
            "--name=sandbox",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=sandbox={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={authority.pair.certificate}",
            f"--cert-file={server.certificate}",
            f"--key-file={server.key}",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={authority.pair.certificate}",
            f"--peer-cert-file={server.certificate}",
            f"--peer-key-file={server.key}",
            # A killed process loses nothing by it, only a machine that loses power does; it saves most of the time
            # of a start and of every write.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver(self) -> list[str]:
        etcd = Authority(self._certificates, "etcd-ca")
        etcd_client = etcd.issue("etcd-client", "kube-apiserver")
        serving = self.authority.issue("kube-apiserver", "kube-apiserver", hosts=self._hosts())
        kubelet = self.authority.issue("kubelet-client", "kube-apiserver-kubelet-client")
        front = Authority(self._certificates, "front-proxy-ca")
        proxy = front.issue("front-proxy-client", "front-proxy-client")
        tokens = service_account_keys(self._certificates)
        return [
            str(self.binaries["kube-apiserver"]),
            f"--bind-address={self.address}",
            f"--secure-port={self.ports['kube-apiserver']}",
            f"--advertise-address={self.address}",
            # A loopback address is refused as an endpoint of Service kubernetes; pods that could use it exist only
            # on real nodes, where the address is another.
            f"--endpoint-reconciler-type={'lease' if self._own_network else 'none'}",
            f"--etcd-servers=https://{self._local}:{self.ports['etcd']}",
            f"--etcd-cafile={etcd.pair.certificate}",
            f"--etcd-certfile={etcd_client.certificate}",
            f"--etcd-keyfile={etcd_client.key}",
            f"--service-cluster-ip-range={self.service_range}",
            "--authorization-mode=Node,RBAC",
            "--anonymous-auth=false",
            f"--client-ca-file={self.authority.pair.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            # PodSecurity, ResourceQuota, LimitRanger and ServiceAccount are among the defaults; they are named so
            # that a change of defaults cannot take them away.
            "--enable-admission-plugins=NodeRestriction,PodSecurity,ResourceQuota,LimitRanger,ServiceAccount",
            f"--encryption-provider-config={self.directory / 'encryption.json'}",
            # What may be privileged is for Pod Security to say, a namespace at a time.
            "--allow-privileged=true",
            f"--kubelet-client-certificate={kubelet.certificate}",
            f"--kubelet-client-key={kubelet.key}",
            f"--kubelet-certificate-authority={self.authority.pair.certificate}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
            f"--service-account-key-file={tokens.certificate}",
            f"--service-account-signing-key-file={tokens.key}",
            f"--requestheader-client-ca-file={front.pair.certificate}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={proxy.certificate}",
            f"--proxy-client-key-file={proxy.key}",
            # The endpoints of aggregated APIs are processes on the node address, not pods.
            "--enable-aggregator-routing=true",
            "--profiling=false",
            *([] if self.pods_answer else [f"--egress-selector-config-file={self.directory / 'egress.json'}"]),
        ]

    def _controller_manager(self) -> list[str]:
        tokens = service_account_keys(self._certificates)
        return [
            str(self.binaries["kube-controller-manager"]),
            *self._component("kube-controller-manager"),
            f"--root-ca-file={self.authority.pair.certificate}",
            f"--service-account-private-key-file={tokens.key}",
            f"--cluster-signing-cert-file={self.authority.pair.certificate}",
            f"--cluster-signing-key-file={self.authority.pair.key}",
            "--use-service-account-credentials=true",
            # The default, 20 requests a second, makes a start 4 s longer: each of 40 controllers asks for a token.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]

    def _scheduler(self) -> list[str]:
        return [str(self.binaries["kube-scheduler"]), *self._component("kube-scheduler")]

    def _component(self, name: str) -> list[str]:
        serving = self.authority.issue(f"{name}-serving", name, hosts=["localhost", self._local])
        kubeconfig = self.directory / f"{name}.kubeconfig"
        return [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--bind-address={self._local}",
            f"--secure-port={self.ports[name]}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            # There is one of each: waiting for a dead one's lease would cost 15 s after every kill.
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _hosts(self) -> list[str]:
        service = _first_address(self.service_range)
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}"]
        return sorted({*names, "localhost", "127.0.0.1", self.address, service})


# The API server asks kubelets for logs and port forwards under this name; system:masters would do, and may do too much.
KUBELET_ACCESS: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "sandbox:kubelet-client"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "kube-apiserver-kubelet-client"},
    ],
}


def cached_binaries(names: Sequence[str]) -> dict[str, Path]:
    """Return the newest built binary of each name in the cache; a name that is not there is left out."""
    found = {}
    for name in names:
        paths = sorted((cache_directory() / "tools" / name).glob(f"*/{name}"))
        if paths:
            found[name] = paths[-1]
    return found


def _encryption() -> dict[str, Any]:
    key = {"name": "key1", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            # identity last: what an earlier version stored in plain text stays readable.
            {"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}, {"identity": {}}]},
        ],
    }


def _no_egress(directory: Path) -> dict[str, Any]:
    # A proxy that is not there; its name is what the error message ends with.
    transport = {"uds": {"udsName": str(directory / "simulated-pods-do-not-answer")}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }


def _kubeconfig(server: str, authority: Pair, user: Pair) -> dict[str, Any]:
    def encoded(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    credentials = {
        "client-certificate-data": encoded(user.certificate),
        "client-key-data": encoded(user.key),
    }
    cluster = {"server": server, "certificate-authority-data": encoded(authority.certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": credentials}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def _first_address(network: str) -> str:
    return str(ipaddress.ip_network(network)[1])


def main() -> int:
    """Run a control plane in a directory until it is interrupted: a cluster for a test, started in seconds."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.cluster.control_plane",
        description="Run etcd, kube-apiserver, kube-controller-manager and kube-scheduler on free loopback ports, "
        "from the tools that are in the cache, until SIGINT or SIGTERM. Prints the path of the administrator's "
        "kubeconfig (context 'sandbox') when the API server is ready. Data stay in DIR for the next run.",
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="where certificates, data and logs are kept")
    parser.add_argument("--no-controllers", action="store_true", help="etcd and kube-apiserver only")
    arguments = parser.parse_args()
    binaries = cached_binaries(BINARIES)
    missing = sorted(set(BINARIES) - set(binaries))
    if missing:
        parser.exit(1, f"not in the cache: {', '.join(missing)}; `make up` builds them\n")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    plane = ControlPlane(arguments.directory, binaries, controllers=not arguments.no_controllers, report=_print)
    try:
        plane.start()
        _print(str(plane.kubeconfig))
        ended.wait()
    except ProcessError as error:
        parser.exit(1, f"{error}\n")
    finally:
        plane.stop()
    return 0


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
