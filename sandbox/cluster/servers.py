"""The command lines of a control plane's four servers, each flag with its reason where it is not plain."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.cluster.certificates import Authority, service_account_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Servers"]

DOMAIN = "cluster.local"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What the four have in common: where they listen, and where their files are.

    `address` is where the API server is reached; `local` is where the others are, which only it and the sandbox ask.
    """

    directory: Path
    binaries: Mapping[str, Path]
    ports: Mapping[str, int]
    authority: Authority
    address: str
    local: str
    service_range: str
    own_network: bool
    pods_answer: bool

    @property
    def certificates(self) -> Path:
        """Where the authorities keep what they sign."""
        return self.authority.directory

    def etcd(self) -> list[str]:
        """Return that of etcd, whose clients have an authority of their own."""
        authority = Authority(self.certificates, "etcd-ca")
        server = authority.issue("etcd", "etcd", hosts=["localhost", self.local])
        client = f"https://{self.local}:{self.ports['etcd']}"
        peer = f"https://{self.local}:{self.ports['etcd-peer']}"
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

    def apiserver(self) -> list[str]:
        """Return that of the API server: Node and RBAC, nobody anonymous, Secrets encrypted."""
        etcd = Authority(self.certificates, "etcd-ca")
        etcd_client = etcd.issue("etcd-client", "kube-apiserver")
        serving = self.authority.issue("kube-apiserver", "kube-apiserver", hosts=self._hosts())
        kubelet = self.authority.issue("kubelet-client", "kube-apiserver-kubelet-client")
        front = Authority(self.certificates, "front-proxy-ca")
        proxy = front.issue("front-proxy-client", "front-proxy-client")
        tokens = service_account_keys(self.certificates)
        return [
            str(self.binaries["kube-apiserver"]),
            f"--bind-address={self.address}",
            f"--secure-port={self.ports['kube-apiserver']}",
            f"--advertise-address={self.address}",
            # A loopback address is refused as an endpoint of Service kubernetes; pods that could use it exist only
            # on real nodes, where the address is another.
            f"--endpoint-reconciler-type={'lease' if self.own_network else 'none'}",
            f"--etcd-servers=https://{self.local}:{self.ports['etcd']}",
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

    def controller_manager(self) -> list[str]:
        """Return that of the controller manager, which also signs certificates."""
        tokens = service_account_keys(self.certificates)
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
            # Upstream's 15 s spare the API server of a large cluster; here somebody tries an autoscaler and waits.
            "--horizontal-pod-autoscaler-sync-period=5s",
        ]

    def scheduler(self) -> list[str]:
        """Return that of the scheduler."""
        return [str(self.binaries["kube-scheduler"]), *self._component("kube-scheduler")]

    def _component(self, name: str) -> list[str]:
        serving = self.authority.issue(f"{name}-serving", name, hosts=["localhost", self.local])
        kubeconfig = self.directory / f"{name}.kubeconfig"
        return [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--bind-address={self.local}",
            f"--secure-port={self.ports[name]}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            # There is one of each: waiting for a dead one's lease would cost 15 s after every kill.
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _hosts(self) -> list[str]:
        service = str(ipaddress.ip_network(self.service_range)[1])
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}"]
        return sorted({*names, "localhost", "127.0.0.1", self.address, service})
