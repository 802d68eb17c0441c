"""A build's context: the digest that tells whether it changed, and the archive that is sent."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from sandbox.plugins.docker.ignore import Ignore, context_files

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BuildContext"]

_DOCKERFILE = "Dockerfile"
_NO_MODE = "----------"
# The name of a Dockerfile that lies outside of the context, inside the archive.
_OUTSIDE = ".dockerfile.outside-of-the-context"


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """A folder and the Dockerfile that is built with it."""

    folder: Path
    dockerfile: Path

    def digest(self) -> str:
        """Return the SHA-256 of all that the build can see: names, modes and contents, and the Dockerfile.

        It is put together as pulumi-docker does, so that a state that the official provider made shows no
        change here. Two things differ there and cost one build: a symbolic link counts by its own text
        rather than by where it leads, and a Dockerfile of another name falls back to .dockerignore.
        """
        whole = hashlib.sha256()
        self._add(whole, _DOCKERFILE, _NO_MODE, _content(self.dockerfile))
        for path in context_files(self.folder, Ignore.of(self.folder, self.dockerfile)):
            file = self.folder / path
            mode = file.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if stat.S_ISLNK(mode):
                content = hashlib.sha256(os.fsencode(file.readlink())).digest()
            else:
                content = _content(file) if stat.S_ISREG(mode) else hashlib.sha256().digest()
            self._add(whole, path, stat.filemode(mode), content)
        return whole.hexdigest()

    def _add(self, whole: hashlib._Hash, path: str, mode: str, content: bytes) -> None:
        whole.update(path.encode() + mode.encode() + content + b"\0")

    def dockerfile_name(self) -> str:
        """Return the Dockerfile's path inside the archive."""
        relative = os.path.relpath(self.dockerfile, self.folder)
        return _OUTSIDE if relative.startswith("../") else relative

    def archive(self) -> IO[bytes]:
        """Return the archive to send, in a temporary file that goes when it is closed.

        Owners are dropped, as Docker does: the same files make the same layers on every machine.
        """
        name = self.dockerfile_name()
        ignore = Ignore.of(self.folder, self.dockerfile)
        paths = list(context_files(self.folder, ignore))
        # The Docker engine needs the Dockerfile even where .dockerignore keeps it out of the image.
        if name != _OUTSIDE and name not in paths:
            paths.append(name)
        file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in paths:
                archive.add(self.folder / path, arcname=path, recursive=False, filter=_anonymous)
            if name == _OUTSIDE:
                content = self.dockerfile.read_bytes()
                member = tarfile.TarInfo(_OUTSIDE)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        file.seek(0)
        return file


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
