"""An upstream's official download, verified against the checksum that upstream publishes beside it."""

from __future__ import annotations

import hashlib
import tarfile
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from sandbox.tools.cache import SIGN_OF_LIFE_SECONDS, require_space
from sandbox.tools.errors import ToolError, UnavailableError
from sandbox.tools.network import why_unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.tools.catalogue import Download, Tool

__all__ = ["download"]

# A download that stands still this long is given up: the host answered its probe a moment ago.
STALL_SECONDS = 20.0
_CHUNK = 1 << 20
_LARGEST_CHECKSUM_FILE = 1 << 20
_HEX_DIGITS = {64: hashlib.sha256, 128: hashlib.sha512}  # the two that upstreams publish, told apart by length


def download(tool: Tool, fresh: Path, *, report: Callable[[str], None]) -> None:
    """Put the tool, and what its archive brings along, into a directory.

    Raises UnavailableError when the source does not answer, lacks the file or publishes no checksum for it,
    and ToolError when a file and its checksum disagree: that is never a reason to try elsewhere in silence.
    """
    if tool.download is None:
        raise UnavailableError("upstream publishes no program")
    what = tool.download
    address = what.address(tool.version)
    reason = why_unreachable(address)
    if reason:
        raise UnavailableError(f"download: {reason}")
    expected = _published_checksum(what.checksum_address(tool.version), address.rsplit("/", 1)[-1])
    require_space(fresh, 2 * what.megabytes if what.archive else what.megabytes, f"{tool.name} {tool.version}")
    # Not under the tool's own name: until it is verified, nothing may take it for the tool.
    file = fresh / "download.part"
    report(f"downloading {tool.name} {tool.version} from {address}")
    actual = _fetch(address, file, hashlib.sha256 if len(expected) == 64 else hashlib.sha512, tool, report)  # noqa: PLR2004
    if actual != expected:
        file.unlink()
        raise ToolError(
            f"{tool.name} {tool.version}: the download {address} has checksum {actual}, and upstream publishes "
            f"{expected}. It was thrown away. Somebody or something changed the file on its way: find out what, "
            f"or put {tool.install} on PATH"
        )
    if what.archive:
        _unpack(what, file, fresh, tool)
        file.unlink()
    else:
        file.rename(fresh / tool.name)


def _published_checksum(address: str, name: str) -> str:
    """Return the checksum of a file from its own checksum file or from a release's list of them."""
    try:
        with urllib.request.urlopen(address, timeout=STALL_SECONDS) as answer:
            text: str = answer.read(_LARGEST_CHECKSUM_FILE).decode("ascii", "replace")
    except (OSError, ValueError) as error:
        raise UnavailableError(f"download: no published checksum at {address} ({error})") from None
    for line in text.splitlines():
        words = line.split()
        # Either a lone checksum or `<checksum>  [*]<file>`, where the file may be given with its directory.
        is_ours = len(words) == 1 or (len(words) > 1 and words[-1].lstrip("*").rsplit("/", 1)[-1] == name)
        if is_ours and len(words[0]) in _HEX_DIGITS and set(words[0].lower()) <= set("0123456789abcdef"):
            return words[0].lower()
    raise UnavailableError(f"download: {address} has no checksum of {name}")


def _fetch(address: str, file: Path, algorithm: Callable[[], Any], tool: Tool, report: Callable[[str], None]) -> str:
    digest = algorithm()
    said = time.monotonic()
    received = 0
    try:
        with urllib.request.urlopen(address, timeout=STALL_SECONDS) as answer, file.open("wb") as target:
            length = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read1(_CHUNK):
                target.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                if time.monotonic() - said > SIGN_OF_LIFE_SECONDS:
                    said = time.monotonic()
                    whole = f" of {length / 1e6:.0f}" if length else ""
                    report(f"downloading {tool.name} {tool.version}: {received / 1e6:.0f}{whole} MB")
    except (OSError, ValueError) as error:
        raise UnavailableError(f"download: {address}: {error}") from None
    if length and received != length:
        raise UnavailableError(f"download: {address} ended after {received} of {length} bytes")
    return str(digest.hexdigest())


def _unpack(what: Download, file: Path, fresh: Path, tool: Tool) -> None:
    """Take the programs of the archive's one directory, by their plain names: no path of the archive is used."""
    folder = what.folder_in(tool.version)
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                directory, _, name = member.name.removeprefix("./").rpartition("/")
                executable = member.mode & 0o111
                if member.isfile() and executable and directory == folder and name:
                    source = archive.extractfile(member)
                    if source is not None:
                        with source, (fresh / name).open("wb") as target:
                            while chunk := source.read(_CHUNK):
                                target.write(chunk)
    except tarfile.TarError as error:
        raise ToolError(f"{tool.name} {tool.version}: the download is no archive: {error}") from None
    if not (fresh / tool.name).is_file():
        raise ToolError(f"{tool.name} {tool.version}: the downloaded archive has no program {folder}/{tool.name}")
