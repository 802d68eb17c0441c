"""Distribution packages by apt, on Debian and Ubuntu as root; anywhere else, the names of what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.tools.cache import locked
from sandbox.tools.errors import ToolError
from sandbox.tools.running import run_reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["NODE_PACKAGES", "ensure_packages", "is_root_on_apt", "missing_packages", "services_kept_from_starting"]

# What nodes that run containers, and the engine that builds images, are made of; 80 MB fetched, 335 MB on disk.
NODE_PACKAGES = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "nftables",
    "conntrack",
    "iproute2",
    "util-linux",
    "docker.io",
    "docker-registry",
    "iptables",  # dockerd does not start without it, even where it may write no rule
    "mmdebstrap",
    "busybox-static",
    "ipset",  # by which kube-router names many addresses in one rule
)

_POLICY = Path("/usr/sbin/policy-rc.d")
_SAVED = Path("/usr/sbin/policy-rc.d.ml-platform-saved")
_LOCK = Path("/run/lock/ml-platform-packages")  # of the machine, not of a user: there is one dpkg
# 101 is "action forbidden by policy", as invoke-rc.d's manual page defines it.
_DENY = "#!/bin/sh\n# Written by the ml-platform sandbox for the time of one installation.\nexit 101\n"
_APT = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"]


def is_root_on_apt() -> bool:
    """Return whether packages can be installed here: an apt system, and we are root."""
    return os.geteuid() == 0 and all(shutil.which(tool) for tool in ("apt-get", "dpkg-query"))


def missing_packages(packages: Sequence[str]) -> list[str]:
    """Return those of the packages that dpkg does not know as installed, in their order."""
    if shutil.which("dpkg-query") is None:
        return list(packages)
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${binary:Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,  # it fails when one of them is unknown, and prints the others
    )
    pairs = (line.split() for line in asked.stdout.splitlines())
    installed = {name.partition(":")[0] for name, status in pairs if status == "installed"}
    return [package for package in packages if package not in installed]


def ensure_packages(packages: Sequence[str], *, report: Callable[[str], None]) -> list[str]:
    """Install those of the packages that are missing, and return their names.

    They are named in one line before anything is installed, and no service of theirs is started. Raises
    ToolError with the command to run where they cannot be installed, or with apt's own words when it fails.
    """
    missing = missing_packages(packages)
    if not missing:
        return []
    names = " ".join(missing)
    if not is_root_on_apt():
        if shutil.which("apt-get"):
            raise ToolError(f"these packages are missing, and only root can install them: apt-get install {names}")
        raise ToolError(f"these programs are missing; install what this system calls (in Debian's names) {names}")
    report(f"installing Debian packages, services kept from starting: {names}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    install = [*_APT, "install", "--no-install-recommends", *missing]
    with locked(_LOCK, "packages", report), services_kept_from_starting():
        failure = None
        if _known(missing):
            failure = run_reporting(install, doing=f"apt-get install {names}", report=report, env=environment)
        # Not known, or known at a version that the mirror has dropped since: the lists are old.
        if missing_packages(missing):
            failed = run_reporting([*_APT, "update"], doing="apt-get update", report=report, env=environment)
            if failed:
                raise ToolError(f"apt-get update failed, and these packages are missing: {names}\n{failed}")
            failure = run_reporting(install, doing=f"apt-get install {names}", report=report, env=environment)
    if failure:
        raise ToolError(f"apt-get install {names} failed:\n{failure}")
    return missing


@contextmanager
def services_kept_from_starting() -> Iterator[None]:
    """Deny package scripts to start services, and put back afterwards what was there before.

    invoke-rc.d asks /usr/sbin/policy-rc.d; container images often have one, which is saved. A run that was
    killed in between left its own: the saved one is found and put back by the next.
    """
    if not _SAVED.exists() and _POLICY.exists() and _POLICY.read_text() != _DENY:
        _POLICY.rename(_SAVED)
    _POLICY.write_text(_DENY)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if _SAVED.exists():
            _SAVED.replace(_POLICY)
        else:
            _POLICY.unlink(missing_ok=True)


def _known(packages: Sequence[str]) -> bool:
    """Return whether apt's lists name all of the packages, so that they need not be fetched first."""
    asked = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0
