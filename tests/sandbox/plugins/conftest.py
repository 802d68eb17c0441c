"""The real engine in a directory of its own: what every test of a plugin drives it through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from control_planes import simulated

from sandbox.paths import Layout
from sandbox.plugins.environment import engine_environment
from sandbox.plugins.install import install_plugins
from sandbox.tools import ToolError, provide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.cluster.control_plane import ControlPlane

ENVIRONMENT = Path(sys.prefix)


class EngineProject:
    """A project with a home, states and a passphrase of its own, in which `pulumi` commands are run."""

    def __init__(self, directory: Path, pulumi: Path) -> None:
        layout = Layout(root=directory / "sandbox")
        self.pulumi = pulumi
        self.directory = directory / "project"
        self.directory.mkdir()
        layout.backend.mkdir(parents=True)
        layout.passphrase.write_text("correct horse")
        install_plugins(layout.pulumi_home, Path(sys.executable))
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "KUBE", "DOCKER_"))}
        self.environment = clean | engine_environment(layout, policy_pack=None)
        self.home = layout.pulumi_home

    def write(self, path: str, text: str) -> Path:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    def describe(self, program: str, *, settings: str = "") -> None:
        """Make it a project with this program and a stack `dev`; `settings` are further lines of Pulumi.yaml."""
        runtime = f"runtime: {{name: python, options: {{virtualenv: {ENVIRONMENT}}}}}\n"
        self.write("Pulumi.yaml", f"name: scratch\n{runtime}{settings}")
        self.write("infra/__main__.py" if "main: infra/" in settings else "__main__.py", program)
        self.run("stack", "init", "dev")

    def command(self, *arguments: str) -> list[str]:
        return [str(self.pulumi), *arguments, "--non-interactive", "--color", "never"]

    def run(self, *arguments: str, succeeds: bool = True, **environment: str) -> str:
        """Run a command to its end and return all that it printed."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode == 0) is succeeds, f"pulumi {' '.join(arguments)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, name: str) -> Any:
        return json.loads(self.run("stack", "output", name, "--json", "--show-secrets"))

    def resources(self) -> list[dict[str, Any]]:
        return json.loads(self.run("stack", "export"))["deployment"].get("resources", [])

    def processes(self) -> dict[int, str]:
        """Return the living processes that any command of this project has left, with their command lines."""
        mark = f"PULUMI_HOME={self.home}".encode()
        found = {}
        for directory in Path("/proc").iterdir():
            try:
                if directory.name.isdigit() and mark in (directory / "environ").read_bytes().split(b"\0"):
                    found[int(directory.name)] = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue  # it ended while we looked, or is another user's
        return found

    def gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture(scope="session")
def pulumi() -> Path:
    try:
        return provide(["pulumi"], report=print)["pulumi"].path
    except ToolError as error:
        pytest.skip(f"no engine on this machine: {error}")


@pytest.fixture
def project(tmp_path: Path, pulumi: Path) -> EngineProject:
    return EngineProject(tmp_path, pulumi)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with two simulated nodes, one for all tests of plugins; each makes a namespace of its own."""
    with simulated(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane
