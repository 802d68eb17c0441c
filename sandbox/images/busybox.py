"""A shell and small servers in 2 MB, from Debian's busybox-static: what tests run in pods."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.images.archive import write_archive
from sandbox.images.loading import has_image, load
from sandbox.tools.errors import ToolError
from sandbox.tools.packages import ensure_packages

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.images.engine import DockerEngine

__all__ = ["BUSYBOX_IMAGE", "ensure_busybox"]

BUSYBOX_IMAGE = "busybox:1.36"
_PROGRAM = Path("/bin/busybox")


def ensure_busybox(engine: DockerEngine, *, report: Callable[[str], None] = print) -> str:
    """Load the image unless the engine has it, and return its name. Raises ToolError without busybox-static."""
    if has_image(engine, BUSYBOX_IMAGE):
        return BUSYBOX_IMAGE
    if not _PROGRAM.exists():
        ensure_packages(["busybox-static"], report=report)
    with tempfile.TemporaryDirectory(prefix="ml-platform-busybox-") as directory:
        layer, archive = Path(directory) / "layer.tar", Path(directory) / "image.tar"
        _write_layer(layer)
        write_archive(archive, layer=layer, tag=BUSYBOX_IMAGE, config={"Cmd": ["sh"], "Env": ["PATH=/bin"]})
        load(engine, archive)
    report(f"image {BUSYBOX_IMAGE}: made from Debian's busybox-static")
    return BUSYBOX_IMAGE


def _write_layer(target: Path) -> None:
    listed = subprocess.run([str(_PROGRAM), "--list"], capture_output=True, text=True, check=False)
    if listed.returncode:
        raise ToolError(f"{_PROGRAM} does not run: {listed.stderr.strip()}; reinstall busybox-static")
    content = _PROGRAM.read_bytes()
    with tarfile.open(target, "w") as layer:
        for name, mode in (("bin", 0o755), ("tmp", 0o1777), ("etc", 0o755)):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            layer.addfile(directory)
        program = tarfile.TarInfo("bin/busybox")
        program.size, program.mode = len(content), 0o755
        layer.addfile(program, io.BytesIO(content))
        for applet in listed.stdout.split():
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                layer.addfile(link)
