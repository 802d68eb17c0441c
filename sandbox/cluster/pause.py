"""The image of the process that holds a pod's namespaces, made from the machine's own busybox."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path
from typing import Any

from sandbox.cluster.errors import ClusterError

__all__ = ["PAUSE_IMAGE", "write_pause_image"]

# A name of no registry: it is imported, never pulled.
PAUSE_IMAGE = "sandbox.invalid/pause:1"
# Collects the orphans of pods that share a process namespace, and ends at once when asked.
SCRIPT = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_pause_image(path: Path) -> None:
    """Write an image archive of the OCI layout; the same busybox gives the same bytes."""
    busybox = shutil.which("busybox")
    if busybox is None or b"ld-linux" in Path(busybox).read_bytes()[:4096]:
        raise ClusterError("a statically linked busybox is needed: apt-get install busybox-static")
    layer = _tar({"bin/busybox": Path(busybox).read_bytes()}, mode=0o755)
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        # Never root, though the pods above it have nothing to fear from a shell without input.
        "config": {"Entrypoint": ["/bin/busybox", "sh", "-c", SCRIPT], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created_by": "ml-platform sandbox"}],
    }
    config_bytes = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config_bytes),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }
    manifest_bytes = json.dumps(manifest).encode()
    described = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest_bytes)
    index = {
        "schemaVersion": 2,
        "manifests": [described | {"annotations": {"io.containerd.image.name": PAUSE_IMAGE}}],
    }
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (layer, config_bytes, manifest_bytes)}
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()} | blobs
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_tar(files))


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}
