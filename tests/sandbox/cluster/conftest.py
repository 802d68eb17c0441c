"""A control plane and a cluster that the tests of this directory share, and what they use to look at them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox.cluster import Cluster, ControlPlane, Nodes
from sandbox.cluster.choice import real_obstacle
from sandbox.cluster.control_plane import BINARIES
from sandbox.cluster.simulated import SimulatedNodes
from sandbox.paths import Layout
from sandbox.tools import provide


@pytest.fixture(scope="session")
def binaries():
    names = [*BINARIES, "kwok"]
    return {name: tool.path for name, tool in provide(names, report=print).items()}


# One module long, not a session: every cluster takes some 20 of a user's 128 watches of files (inotify instances).
@pytest.fixture(scope="module")
def plane(binaries, tmp_path_factory):
    """A control plane with two simulated nodes."""
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), binaries, pods_answer=False)
    nodes = SimulatedNodes(plane, report=print)
    try:
        plane.start()
        nodes.start()
        yield plane
    finally:
        nodes.stop()
        plane.stop()


@pytest.fixture(scope="session")
def real_nodes():
    """The choice of real nodes, where kind would be preferred too, or the reason for there being none."""
    reason = real_obstacle() or (
        "SANDBOX_NODES asks for it" if os.environ.get("SANDBOX_NODES") == "simulated" else None
    )
    if reason is not None:
        pytest.skip(f"simulated nodes: {reason}")
    from sandbox.tools.packages import NODE_PACKAGES, ensure_packages

    ensure_packages(NODE_PACKAGES, report=print)
    provide([*BINARIES, "kubelet", "kube-proxy", "coredns", "metrics-server", "traefik"], report=print)
    return Nodes(kind="real", why="a test")


@pytest.fixture(scope="module")
def cluster(real_nodes, tmp_path_factory):
    """A cluster with a real node, and an image in its registry."""
    cluster = Cluster(Layout(root=tmp_path_factory.mktemp("real")), nodes=real_nodes)
    try:
        cluster.start()
        push_image(cluster.registry, "library/box", "1")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def api(plane):
    return plane.api


@pytest.fixture
def real_api(cluster):
    return cluster.api


@pytest.fixture
def namespace(plane):
    yield from _namespace(plane.api)


@pytest.fixture
def real_namespace(real_api):
    yield from _namespace(real_api)


@pytest.fixture(scope="session")
def push():
    return push_image


@pytest.fixture(scope="session")
def eventually():
    """Wait for a value that is true, and return it."""

    def wait(value, seconds=30.0):
        end = time.monotonic() + seconds
        while not (found := value()):
            assert time.monotonic() < end, f"not so after {seconds} s"
            time.sleep(0.1)
        return found

    return wait


@pytest.fixture(scope="session")
def pod():
    """The manifest of a pod with one container."""

    def manifest(name, namespace, *, image="nothing.example/none:1", metadata=None, **container):
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, **(metadata or {})},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "main", "image": image, **container}],
            },
        }

    return manifest


def _namespace(api):
    name = f"test-{time.monotonic_ns()}"
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    end = time.monotonic() + 20
    while api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default") is None and time.monotonic() < end:
        time.sleep(0.05)
    yield name
    api.delete(f"/api/v1/namespaces/{name}")


def push_image(registry: str, repository: str, tag: str) -> str:
    """Push an image made of busybox, over the registry's own protocol; return its digest."""
    base = f"http://{registry}/v2/{repository}"
    commands = ("sh", "httpd", "nslookup", "wget", "mkdir", "sleep", "nc")
    layer = _layer(Path(shutil.which("busybox")).read_bytes(), commands)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/bin/sh", "-c"], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    for blob in (layer, config):
        place = _send("POST", f"{base}/blobs/uploads/", b"", "application/octet-stream")
        separator = "&" if "?" in place else "?"
        _send("PUT", f"{place}{separator}digest={_digest(blob)}", blob, "application/octet-stream")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": _described("application/vnd.oci.image.config.v1+json", config),
            "layers": [_described("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    _send("PUT", f"{base}/manifests/{tag}", manifest, kind)
    return _digest(manifest)


def _layer(busybox, commands):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(busybox), 0o755
        archive.addfile(entry, io.BytesIO(busybox))
        for command in commands:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()


def _send(method, url, body, kind):
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        return response.headers.get("Location", "")


def _digest(blob):
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _described(kind, blob):
    return {"mediaType": kind, "digest": _digest(blob), "size": len(blob)}
