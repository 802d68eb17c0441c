from __future__ import annotations

import hashlib
import io
import tarfile
import time

import pytest

from sandbox.tools import ToolError, provide
from sandbox.tools.cache import Slot
from sandbox.tools.catalogue import CATALOGUE, KUBERNETES, architecture

ARCH = architecture()
KUBELET = f"release/v1.36.3/bin/linux/{ARCH}/kubelet"
PULUMI_ARCHIVE = f"releases/sdk/pulumi-v3.255.0-linux-{'x64' if ARCH == 'amd64' else ARCH}.tar.gz"


def archive(files: dict[str, bytes], mode: int = 0o755) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_a_program_is_downloaded_verified_and_cached(upstream, program, lines):
    digest = upstream.publish(KUBELET, program("Kubernetes v1.36.3"))
    upstream.publish(f"{KUBELET}.sha256", digest.encode())
    kubelet = provide(["kubelet"], report=lines.append)["kubelet"]
    assert kubelet.source == "download"
    assert kubelet.path == Slot(CATALOGUE["kubelet"]).program
    assert hashlib.sha256(kubelet.path.read_bytes()).hexdigest() == digest
    asked = len(upstream.asked)
    assert provide(["kubelet"], report=lines.append)["kubelet"].source == "cache"
    assert len(upstream.asked) == asked


def test_a_wrong_checksum_is_an_error_and_nothing_is_kept_or_built_instead(upstream, program, lines):
    upstream.publish(KUBELET, program("Kubernetes v1.36.3"))
    upstream.publish(f"{KUBELET}.sha256", hashlib.sha256(b"what upstream built").hexdigest().encode())
    with pytest.raises(ToolError, match=r"kubelet v1\.36\.3: the download .* has checksum .* upstream publishes"):
        provide(["kubelet"], report=lines.append)
    assert not [path for path in Slot(CATALOGUE["kubelet"]).directory.iterdir() if path.name != ".lock"]
    assert not [line for line in lines if "module" in line]


def test_a_longer_checksum_is_verified_too(upstream, program, lines):
    content = program("Kubernetes v1.36.3")
    upstream.publish(KUBELET, content)
    upstream.publish(f"{KUBELET}.sha256", hashlib.sha512(content).hexdigest().encode())
    assert provide(["kubelet"], report=lines.append)["kubelet"].source == "download"


def test_a_file_without_a_published_checksum_is_not_used(upstream, program, lines, no_module):
    upstream.publish(f"kubernetes-sigs/kind/releases/download/v0.31.0/kind-linux-{ARCH}", program("kind v0.31.0"))
    with pytest.raises(ToolError, match="no published checksum at"):
        provide([no_module], report=lines.append)


def test_kinds_checksum_file_names_its_file(upstream, program, lines):
    name = f"kind-linux-{ARCH}"
    digest = upstream.publish(f"kubernetes-sigs/kind/releases/download/v0.31.0/{name}", program("kind v0.31.0 go1.25"))
    upstream.publish(f"kubernetes-sigs/kind/releases/download/v0.31.0/{name}.sha256sum", f"{digest}  {name}\n".encode())
    assert provide(["kind"], report=lines.append)["kind"].source == "download"


def test_pulumis_archive_brings_its_language_hosts_and_nothing_from_elsewhere(upstream, program, lines):
    content = archive(
        {
            "pulumi/pulumi": program("v3.255.0"),
            "pulumi/pulumi-language-python": program("host"),
            "pulumi/deep/er": program("deeper"),
            "../escaped": program("escaped"),
            "elsewhere": program("elsewhere"),
        }
    )
    digest = upstream.publish(PULUMI_ARCHIVE, content)
    name = PULUMI_ARCHIVE.rsplit("/", 1)[-1]
    sums = f"{'0' * 64}  pulumi-v3.255.0-windows-x64.zip\n{digest}  {name}\n"
    upstream.publish("releases/sdk/pulumi-3.255.0-checksums.txt", sums.encode())
    pulumi = provide(["pulumi"], report=lines.append)["pulumi"]
    assert pulumi.source == "download"
    beside = {path.name for path in pulumi.path.parent.iterdir()}
    assert beside == {".lock", "pulumi", "pulumi-language-python"}


def test_etcds_list_of_checksums_names_many_files(upstream, program, lines):
    name = f"etcd-v3.6.8-linux-{ARCH}.tar.gz"
    content = archive({f"{name.removesuffix('.tar.gz')}/etcd": program("etcd Version: 3.6.8")})
    folder = "etcd-io/etcd/releases/download/v3.6.8"
    digest = upstream.publish(f"{folder}/{name}", content)
    upstream.publish(f"{folder}/SHA256SUMS", f"{'1' * 64}  other.tar.gz\n{digest}  {name}\n".encode())
    assert provide(["etcd"], report=lines.append)["etcd"].source == "download"


def test_corednss_program_stands_at_the_top_of_its_archive(upstream, program, lines):
    name = f"coredns_1.15.0_linux_{ARCH}.tgz"
    folder = "coredns/coredns/releases/download/v1.15.0"
    digest = upstream.publish(f"{folder}/{name}", archive({"coredns": program("CoreDNS-1.15.0")}))
    upstream.publish(f"{folder}/{name}.sha256", f"{digest}  release/{name}\n".encode())
    assert provide(["coredns"], report=lines.append)["coredns"].source == "download"


def test_a_download_that_is_another_version_than_it_should_be_is_refused(upstream, program, lines):
    digest = upstream.publish(KUBELET, program("Kubernetes v1.35.1"))
    upstream.publish(f"{KUBELET}.sha256", digest.encode())
    with pytest.raises(ToolError, match=r"was made, and says it is 1\.35\.1"):
        provide(["kubelet"], report=lines.append)
    assert not Slot(CATALOGUE["kubelet"]).filled


def test_an_unreachable_host_is_probed_once_in_a_run(monkeypatch, lines, no_module):
    monkeypatch.setenv(KUBERNETES.variable, "http://127.0.0.1:9")
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(ToolError):
            provide([no_module], report=lines.append)
    assert time.monotonic() - began < 5


def test_a_host_that_never_answers_is_given_up_in_seconds(monkeypatch, lines, no_module):
    import socket

    with socket.socket() as silent:  # accepts connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("SANDBOX_GITHUB_DOWNLOADS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(ToolError, match=r"timed out|does not answer"):
            provide([no_module], report=lines.append)
        assert time.monotonic() - began < 5
