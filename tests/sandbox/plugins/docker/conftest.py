"""A Docker engine and registries of the tests' own, on loopback, gone with the session."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

# The password is "hush". The registry reads bcrypt only, which no library of ours writes.
HTPASSWD = "someone:$2y$05$abcdefghijklmnopqrstuulzd.YqjLDl8lvpSmVj3De/fioSBHnUa\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(answers, *, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not answers():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory):
    """The address of a Docker engine in namespaces of its own: killing their first process ends all of it."""
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of its own needs root")
    if not shutil.which("dockerd"):
        pytest.skip("no dockerd on this machine: Debian has it in docker.io")
    # A unix socket's path may have 107 characters, which pytest's directories exceed.
    root = Path(f"/tmp/mlp-{uuid.uuid4().hex[:8]}")
    root.mkdir(mode=0o700)
    log = tmp_path_factory.mktemp("docker") / "log"
    group = f"mlp-test-{root.name}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),  # a test run that is killed leaves nothing behind either
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("dockerd", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"),
                *("--data-root", f"{root}/data", "--exec-root", f"{root}/exec", "--host", f"unix://{root}/sock"),
                *("--pidfile", f"{root}/pid", "--storage-driver=vfs", f"--cgroup-parent={group}"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def answers() -> bool:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(f"{root}/sock")
                return True
            return False

        wait_until(answers, process=process, log=log)
        yield f"unix://{root}/sock"
    finally:
        process.kill()
        process.wait()
        for directory in Path("/sys/fs/cgroup").glob(f"*/{group}"):
            directory.rmdir()
        shutil.rmtree(root, ignore_errors=True)


def start_registry(directory: Path, *, auth: str = ""):
    if not shutil.which("docker-registry"):
        pytest.skip("no docker-registry on this machine: Debian has it under that name")
    port = free_port()
    settings = directory / "config.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n{auth}"
    )
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "docker-registry", "serve", str(settings)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except urllib.error.HTTPError:
            return True  # it asks for a password
        except OSError:
            return False
        return True

    try:
        wait_until(answers, process=process, log=log)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    yield from start_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="session")
def guarded_registry(tmp_path_factory):
    directory = tmp_path_factory.mktemp("guarded")
    (directory / "htpasswd").write_text(HTPASSWD)
    yield from start_registry(directory, auth=f"auth: {{htpasswd: {{realm: tests, path: {directory}/htpasswd}}}}\n")


@pytest.fixture
def repository(registry) -> str:
    """A name that no other test pushes to."""
    return f"{registry}/{uuid.uuid4().hex[:12]}"
