"""Which tools there are, which versions will do, and where each may come from.

The only file to edit for a new version of a tool, apart from its go.mod in `modules/`.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

__all__ = ["CATALOGUE", "Accepted", "Download", "Module", "Source", "Tool", "architecture"]


def architecture() -> str:
    """Return this machine's architecture in Go's words, which upstream file names use."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A place of official downloads. Its address can be replaced, by a mirror or by a test's file server."""

    address: str
    variable: str

    @property
    def base(self) -> str:
        """The address in force, without a slash at its end."""
        return (os.environ.get(self.variable) or self.address).rstrip("/")


KUBERNETES = Source(address="https://dl.k8s.io", variable="SANDBOX_KUBERNETES_DOWNLOADS")
PULUMI = Source(address="https://get.pulumi.com", variable="SANDBOX_PULUMI_DOWNLOADS")
GITHUB = Source(address="https://github.com", variable="SANDBOX_GITHUB_DOWNLOADS")


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file of a source and the file with its published checksum, both with `{version}`, `{number}`, `{arch}`.

    `number` is the version without its v; `{x64}` is the architecture as Node.js and Pulumi spell it.
    In an archive, `folder` is the directory whose programs are taken, all of them: Pulumi's brings its hosts.
    """

    source: Source
    path: str
    checksum: str
    archive: bool = False
    folder: str = ""
    megabytes: int = 150  # of disk, unpacked; the largest is Pulumi's, see its row

    def address(self, version: str) -> str:
        """Return where the file is."""
        return f"{self.source.base}/{self._filled(self.path, version)}"

    def checksum_address(self, version: str) -> str:
        """Return where its checksum is published."""
        return f"{self.source.base}/{self._filled(self.checksum, version)}"

    def folder_in(self, version: str) -> str:
        """Return the archive's directory with the programs."""
        return self._filled(self.folder, version)

    @staticmethod
    def _filled(text: str, version: str) -> str:
        arch = architecture()
        return text.format(
            version=version, number=version.removeprefix("v"), arch=arch, x64={"amd64": "x64"}.get(arch, arch)
        )


@dataclass(frozen=True, kw_only=True)
class Module:
    """A program in a published Go module, pinned by `modules/<folder>/go.mod` and go.sum."""

    folder: str
    package: str
    ldflags: str = ""  # `{version}` and `{number}` are filled in; most programs learn their version only so
    # Of disk while building. All six modules took 5.1 GB of modules and 4.3 GB of objects together, from empty
    # caches; these are estimates of each one's share on its own, on the safe side.
    megabytes: int


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The versions of a tool on PATH that will do: from `low`, and below `below` where that is given."""

    low: tuple[int, ...]
    below: tuple[int, ...] | None = None
    words: str

    def __contains__(self, version: tuple[int, ...]) -> bool:
        return self.low <= version and (self.below is None or version < self.below)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One program: its version, how to ask for it, and its sources."""

    name: str
    version: str
    # The arguments that make it print its version; None for one that never does: it is not taken from PATH, and is what
    # its checksums say.
    ask: tuple[str, ...] | None
    accepted: Accepted
    download: Download | None = None
    module: Module | None = None
    install: str


_KUBERNETES = "v1.36.3"
_SERVER = Accepted(low=(1, 36), below=(1, 37), words="1.36.x, the minor version that the sandbox is tested with")


def _of_kubernetes(name: str, ask: tuple[str, ...], accepted: Accepted = _SERVER) -> Tool:
    return Tool(
        name=name,
        version=_KUBERNETES,
        ask=ask,
        accepted=accepted,
        download=Download(
            source=KUBERNETES,
            path=f"release/{{version}}/bin/linux/{{arch}}/{name}",
            checksum=f"release/{{version}}/bin/linux/{{arch}}/{name}.sha256",
        ),
        module=Module(
            folder="kubernetes",
            package=f"k8s.io/kubernetes/cmd/{name}",
            ldflags="-X k8s.io/component-base/version.gitVersion={version}"
            " -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
            megabytes=3500,
        ),
        install=f"{name} {_KUBERNETES} from the Kubernetes release page, anywhere on PATH",
    )


_TOOLS = (
    Tool(
        name="etcd",
        version="v3.6.8",
        ask=("--version",),
        # Debian 12 has 3.4, which served a 1.36 API server when it was tried.
        accepted=Accepted(low=(3, 4), words="3.4 or newer"),
        download=Download(
            source=GITHUB,
            path="etcd-io/etcd/releases/download/{version}/etcd-{version}-linux-{arch}.tar.gz",
            checksum="etcd-io/etcd/releases/download/{version}/SHA256SUMS",
            archive=True,
            folder="etcd-{version}-linux-{arch}",
        ),
        module=Module(folder="etcd", package="go.etcd.io/etcd/server/v3", megabytes=1200),
        install="the package etcd-server (Debian, Ubuntu) or etcd",
    ),
    _of_kubernetes("kube-apiserver", ("--version",)),
    Tool(
        name="pulumi",
        version="v3.255.0",
        ask=("version",),
        # The engine and the SDK of pyproject.toml speak one protocol version: they move together.
        accepted=Accepted(low=(3, 255, 0), below=(3, 255, 1), words="exactly 3.255.0, the version of the Python SDK"),
        download=Download(
            source=PULUMI,
            path="releases/sdk/pulumi-{version}-linux-{x64}.tar.gz",
            checksum="releases/sdk/pulumi-{number}-checksums.txt",
            archive=True,
            folder="pulumi",
            megabytes=600,
        ),
        module=Module(
            folder="pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ldflags="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",
            megabytes=3500,
        ),
        install="the Pulumi CLI 3.255.0, exactly that version",
    ),
    _of_kubernetes("kube-controller-manager", ("--version",)),
    _of_kubernetes("kube-scheduler", ("--version",)),
    _of_kubernetes("kubelet", ("--version",)),
    _of_kubernetes("kube-proxy", ("--version",)),
    _of_kubernetes(
        "kubectl",
        ("version", "--client"),
        # People use what they have. That is outside the published skew of one minor version, so the sandbox's own
        # parts never call it; 1.32 against 1.36 was tried.
        Accepted(low=(1, 31), words="1.31 or newer"),
    ),
    Tool(
        name="coredns",
        version="v1.15.0",
        ask=("-version",),
        accepted=Accepted(low=(1, 11), words="1.11 or newer"),
        download=Download(
            source=GITHUB,
            path="coredns/coredns/releases/download/{version}/coredns_{number}_linux_{arch}.tgz",
            checksum="coredns/coredns/releases/download/{version}/coredns_{number}_linux_{arch}.tgz.sha256",
            archive=True,
        ),
        module=Module(folder="coredns", package="github.com/coredns/coredns", megabytes=2500),
        install="CoreDNS 1.15.0",
    ),
    Tool(
        name="kwok",
        version="v0.8.0",
        ask=("--version",),
        accepted=Accepted(low=(0, 7), words="0.7 or newer"),
        download=Download(
            source=GITHUB,
            path="kubernetes-sigs/kwok/releases/download/{version}/kwok-linux-{arch}",
            checksum="kubernetes-sigs/kwok/releases/download/{version}/kwok-linux-{arch}.sha256",
        ),
        module=Module(
            folder="kwok",
            package="sigs.k8s.io/kwok/cmd/kwok",
            ldflags="-X sigs.k8s.io/kwok/pkg/consts.Version={version}",
            megabytes=1500,
        ),
        install="kwok 0.8.0",
    ),
    Tool(
        name="metrics-server",
        version="v0.9.0",
        ask=("--version",),
        accepted=Accepted(low=(0, 7), words="0.7 or newer"),
        # Upstream publishes an image and manifests, no program.
        module=Module(
            folder="metrics-server",
            package="sigs.k8s.io/metrics-server/cmd/metrics-server",
            ldflags="-X k8s.io/client-go/pkg/version.gitVersion={version}",
            megabytes=1500,
        ),
        install="Go 1.26.4 or newer, from which it is built",
    ),
    Tool(
        name="karpenter-kwok",
        version="v1.12.0",
        ask=None,
        accepted=Accepted(low=(1, 12), words="1.12"),
        # Karpenter for nodes that kwok plays. Upstream publishes its source alone; newer ones ask for a newer Go.
        module=Module(
            folder="karpenter",
            package="sigs.k8s.io/karpenter/kwok",
            ldflags="-X sigs.k8s.io/karpenter/pkg/operator.Version={number}",
            megabytes=1500,
        ),
        install="Go 1.26.2 or newer, from which it is built",
    ),
    Tool(
        name="traefik",
        version="v3.5.3",
        ask=("version",),
        # Each minor version is written for one version of the Gateway API; modules/gateway-api pins that of 3.5.
        accepted=Accepted(low=(3, 5), below=(3, 6), words="3.5.x, for its version of the Gateway API"),
        download=Download(
            source=GITHUB,
            path="traefik/traefik/releases/download/{version}/traefik_{version}_linux_{arch}.tar.gz",
            checksum="traefik/traefik/releases/download/{version}/traefik_{version}_checksums.txt",
            archive=True,
            megabytes=250,
        ),
        module=Module(
            folder="traefik",
            package="github.com/traefik/traefik/v3/cmd/traefik",
            ldflags="-X github.com/traefik/traefik/v3/pkg/version.Version={number}",
            megabytes=3500,
        ),
        install="Traefik 3.5.3",
    ),
    Tool(
        name="kube-router",
        version="v2.1.0",
        ask=("--version",),
        accepted=Accepted(low=(2, 1), below=(3,), words="2.1 or newer"),
        # Upstream publishes images and source. Its newer versions are not to be had from every module proxy, and flaws
        # are reported for what this one does as a router and a proxy of Services: only its firewall is ever run.
        module=Module(
            folder="kube-router",
            package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
            ldflags="-X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version={version}",
            megabytes=1500,
        ),
        install="Go 1.26 or newer, from which it is built",
    ),
    Tool(
        name="kind",
        version="v0.31.0",
        ask=("version",),
        accepted=Accepted(low=(0, 27), words="0.27 or newer"),
        download=Download(
            source=GITHUB,
            path="kubernetes-sigs/kind/releases/download/{version}/kind-linux-{arch}",
            checksum="kubernetes-sigs/kind/releases/download/{version}/kind-linux-{arch}.sha256sum",
        ),
        module=Module(folder="kind", package="sigs.k8s.io/kind", megabytes=300),
        install="kind 0.27 or newer",
    ),
)

CATALOGUE = {tool.name: tool for tool in _TOOLS}
