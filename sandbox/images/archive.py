"""Images as archives that `docker load` takes, made of one layer: equal content gives the equal image id anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from sandbox.tools.catalogue import architecture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["write_archive"]

# Images are told apart by their content: a time of making would give each machine its own.
_CREATED = "1970-01-01T00:00:00Z"


def write_archive(target: Path, *, layer: Path, tag: str, config: Mapping[str, Any]) -> str:
    """Write the archive of an image whose only layer is a tar file, and return the image's id.

    The layout is that of `docker save` (image specification 1.2): manifest.json, the configuration, the layer.
    """
    digest = hashlib.sha256()
    with layer.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    described = json.dumps(
        {
            "architecture": architecture(),
            "os": "linux",
            "created": _CREATED,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest.hexdigest()}"]},
            "history": [{"created": _CREATED, "created_by": "ml-platform sandbox"}],
        },
        sort_keys=True,
    ).encode()
    identity = hashlib.sha256(described).hexdigest()
    manifest = [{"Config": f"{identity}.json", "RepoTags": [tag], "Layers": [f"{digest.hexdigest()}/layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add(archive, "manifest.json", json.dumps(manifest).encode())
        _add(archive, f"{identity}.json", described)
        archive.add(layer, f"{digest.hexdigest()}/layer.tar", recursive=False)
    return f"sha256:{identity}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
