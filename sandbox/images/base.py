"""The Python base image under its public name, where the public registry cannot be reached."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.images.archive import write_archive
from sandbox.images.loading import has_image, load, pull
from sandbox.paths import cache_directory
from sandbox.tools.cache import locked, require_space
from sandbox.tools.errors import ToolError
from sandbox.tools.network import why_unreachable
from sandbox.tools.packages import ensure_packages
from sandbox.tools.running import run_reporting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.images.engine import DockerEngine
    from sandbox.images.users_engine import UsersEngine

__all__ = ["BASE_IMAGE", "ensure_base_image"]

BASE_IMAGE = "python:3.11-slim-bookworm"
# Where `docker pull` would go; another address in the variable is for tests.
_REGISTRY = "https://registry-1.docker.io"
_REGISTRY_VARIABLE = "SANDBOX_DOCKER_HUB"
# Bookworm's python3 is 3.11, as the image's name says. apt stays in: Dockerfiles call it.
_PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
# Run in the new root. The public image has `python` and `pip` in /usr/local/bin, and its pip installs beside
# Debian's packages without being asked twice.
_CUSTOMISE = """
ln -sf /usr/bin/python3 "$1/usr/local/bin/python"
ln -sf /usr/bin/pip3 "$1/usr/local/bin/pip"
rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
rm -rf "$1"/var/cache/* "$1"/var/log/* "$1"/etc/resolv.conf "$1"/etc/hostname
"""
_MEGABYTES = 700  # measured: a root of 200 MB while it is made, its layer, the archive, the engine's copy
_EPOCH = "1700000000"  # any fixed time, for files that mmdebstrap would otherwise date today


def ensure_base_image(engine: DockerEngine | UsersEngine, *, report: Callable[[str], None] = print) -> str:
    """Give the engine the Python base image, and return its name.

    Pulled where the public registry answers; otherwise made from Debian's packages, once for the user's cache.
    Raises ToolError where neither is possible.
    """
    if has_image(engine, BASE_IMAGE):
        return BASE_IMAGE
    reason = why_unreachable(os.environ.get(_REGISTRY_VARIABLE) or _REGISTRY)
    if reason is None:
        report(f"image {BASE_IMAGE}: pulling")
        reason = pull(engine, BASE_IMAGE)
    if reason is not None:
        began = time.monotonic()
        load(engine, _archive(reason, report))
        report(f"image {BASE_IMAGE}: made from Debian packages, loaded in {time.monotonic() - began:.0f} s")
    return BASE_IMAGE


def _archive(reason: str, report: Callable[[str], None]) -> Path:
    """Return the image's archive from the cache, made first when it is not there."""
    pip = _pip_configuration(report)
    bundle = _certificates()
    key = hashlib.sha256("\0".join([*_PACKAGES, *_LEFT_OUT, _CUSTOMISE, pip, _EPOCH]).encode() + bundle).hexdigest()
    directory = cache_directory() / "images"
    archive = directory / f"python-3.11-slim-bookworm-{key[:16]}.tar"
    with locked(directory / "python.lock", f"image {BASE_IMAGE}", report):
        if not archive.exists():
            report(f"image {BASE_IMAGE}: {reason}; making it from Debian packages instead")
            require_space(directory, _MEGABYTES, f"image {BASE_IMAGE}")
            ensure_packages(["mmdebstrap"], report=report)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as fresh:
                layer = _layer(Path(fresh), pip=pip, bundle=bundle, report=report)
                made = Path(fresh) / "image.tar"
                config = {
                    "Cmd": ["python3"],
                    "Env": ["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"],
                }
                write_archive(made, layer=layer, tag=BASE_IMAGE, config=config)
                made.replace(archive)
    return archive


def _layer(directory: Path, *, pip: str, bundle: bytes, report: Callable[[str], None]) -> Path:
    layer, configuration, certificates = directory / "layer.tar", directory / "pip.conf", directory / "bundle.crt"
    configuration.write_text(pip)
    certificates.write_bytes(bundle)
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={','.join(_PACKAGES)}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    command += [f"--customize-hook=upload {configuration} /etc/pip.conf"]
    command += [f"--customize-hook={_CUSTOMISE}"]
    if bundle:
        command += [f"--customize-hook=upload {certificates} /etc/ssl/certs/ca-certificates.crt"]
    failure = run_reporting(
        [*command, "bookworm", str(layer), *_sources()],
        doing=f"image {BASE_IMAGE}: making it from Debian packages",
        report=report,
        env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
    )
    if failure:
        raise ToolError(f"the image {BASE_IMAGE} can neither be pulled nor made from Debian packages:\n{failure}")
    return layer


def _sources() -> list[str]:
    """Return this machine's own package sources when it is Debian 12 too: its mirror is one that answers."""
    release = Path("/etc/os-release")
    if (
        not release.exists()
        or "VERSION_CODENAME=bookworm" not in release.read_text()
        or "ID=debian" not in release.read_text()
    ):
        return []
    lists = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [str(path) for path in lists if path.exists() and path.stat().st_size > 0][:1]


def _certificates() -> bytes:
    """Return the CA bundle that this machine's programs use; the image's own would not know a proxy's certificate."""
    for variable in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        path = os.environ.get(variable)
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    return system.read_bytes() if system.is_file() else b""


def _pip_configuration(report: Callable[[str], None]) -> str:
    """Return pip's settings for builds: the environment's index, unless it bears a password that images would keep."""
    lines = ["[global]", "cert = /etc/ssl/certs/ca-certificates.crt", "disable-pip-version-check = true"]
    for variable, key in (
        ("PIP_INDEX_URL", "index-url"),
        ("PIP_EXTRA_INDEX_URL", "extra-index-url"),
        ("PIP_TRUSTED_HOST", "trusted-host"),
    ):
        value = os.environ.get(variable, "")
        if any(urlsplit(word).username for word in value.split()):
            report(f"{variable} has credentials, which an image would keep: builds go without it")
        elif value:
            lines.append(f"{key} = {value}")
    return "\n".join(lines) + "\n"
