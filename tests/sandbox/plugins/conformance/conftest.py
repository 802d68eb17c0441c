"""Ordinary programs of the official SDK, run by the real engine against a real API server with simulated nodes.

`CONFORMANCE_PLUGINS=official` leaves PULUMI_HOME and the PATH alone, so that the same tests run on whatever plugins the
engine finds there; otherwise the sandbox's own are installed into a home of the test's.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from sandbox.paths import Layout
from sandbox.plugins.environment import engine_environment
from sandbox.plugins.install import install_plugins
from sandbox.tools import ToolError, provide

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.cluster.api import Api
    from sandbox.cluster.control_plane import ControlPlane

OFFICIAL = os.environ.get("CONFORMANCE_PLUGINS") == "official"

# Every line of the summary that the engine prints last: "    +-1 to replace", "    2 changes. 3 unchanged".
SUMMARY = re.compile(
    r"^\s+(?:[-+~<>=!]+ ?|\d+ changes\. )?(\d+) (?:to )?(create|update|replace|delete|import|unchanged)", re.MULTILINE
)

IMPORTS = "import pulumi\nimport pulumi_kubernetes as k8s\n"


@dataclass(frozen=True)
class Outcome:
    """What one command of the engine did."""

    output: str
    succeeded: bool

    @property
    def changes(self) -> dict[str, int]:
        """The engine's own summary, in one word for a preview and an update alike; the stack itself counts as one."""
        summary = self.output.rpartition("Resources:")[2]
        return {word: int(number) for number, word in SUMMARY.findall(summary)}

    def __str__(self) -> str:
        return self.output


class Cluster:
    """The API server as its administrator, in the few requests that a test needs."""

    def __init__(self, plane: ControlPlane) -> None:
        self.api: Api = plane.api
        self.kubeconfig: Path = plane.kubeconfig

    def get(self, path: str) -> Any:
        return self.api.get(path)

    def make_namespace(self, name: str) -> None:
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # The controller manager makes it a moment later, and pods are refused until then.
        eventually(lambda: self.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"))

    def apply(self, manifest: dict[str, Any], path: str = "/api/v1/namespaces", *, manager: str = "someone") -> Any:
        """Apply as another field manager would, taking the fields away from whoever has them."""
        target = f"{path}/{manifest['metadata']['name']}?{urlencode({'fieldManager': manager, 'force': 'true'})}"
        return self._send("PATCH", target, manifest, "application/apply-patch+yaml")

    def edit(self, path: str, changes: dict[str, Any], *, manager: str = "kubectl-edit") -> Any:
        """Change an object as `kubectl edit` does: a plain update, not an apply."""
        return self._send("PATCH", f"{path}?fieldManager={manager}", changes, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        self.api.delete(path)

    def _send(self, method: str, path: str, body: Any, content_type: str) -> Any:
        status, answer = self.api.request(method, path, body, content_type=content_type)
        assert status < 300, answer.decode()
        return json.loads(answer)


class Stack:
    """One project with one stack and a namespace of its own."""

    def __init__(self, directory: Path, engine: Engine, cluster: Cluster, namespace: str) -> None:
        self.directory = directory
        self.namespace = namespace
        self.cluster = cluster
        self._engine = engine
        directory.mkdir()
        python = f"{{name: python, options: {{virtualenv: {sys.prefix}}}}}"
        # The stack's name is the namespace's: states of all stacks share one backend.
        (directory / "Pulumi.yaml").write_text(f"name: {namespace}\nruntime: {python}\n")
        self.run("stack", "init", "test")

    @property
    def home(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"

    @property
    def apps(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}"

    def program(self, text: str) -> None:
        """Make this the program; `NAMESPACE` in it is the stack's namespace."""
        text = IMPORTS + dedent(text).replace("NAMESPACE", repr(self.namespace))
        (self.directory / "__main__.py").write_text(text)

    def run(self, *arguments: str, succeeds: bool = True, **environment: str) -> Outcome:
        """Run one command of the engine to its end, which must be the expected one."""
        done = subprocess.run(
            self._engine.command(*arguments),
            cwd=self.directory,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        assert (done.returncode == 0) is succeeds, f"pulumi {' '.join(arguments)}: {done.returncode}\n{done.stdout}"
        return Outcome(done.stdout, done.returncode == 0)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own and leave it running."""
        return subprocess.Popen(
            self._engine.command(*arguments),
            cwd=self.directory,
            env=self._environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *arguments: str, succeeds: bool = True) -> Outcome:
        return self.run("up", "--yes", "--skip-preview", *arguments, succeeds=succeeds)

    def preview(self, *arguments: str, succeeds: bool = True, **environment: str) -> Outcome:
        return self.run("preview", "--diff", *arguments, succeeds=succeeds, **environment)

    def destroy(self, *, succeeds: bool = True) -> Outcome:
        return self.run("destroy", "--yes", "--skip-preview", succeeds=succeeds)

    def export(self) -> str:
        """Return the state as text, secrets encrypted."""
        return self.run("stack", "export").output

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the state's resources by their names in the program."""
        entries = json.loads(self.export())["deployment"].get("resources", [])
        return {entry["urn"].rpartition("::")[2]: entry for entry in entries}

    def outputs(self, name: str) -> dict[str, Any]:
        return self.resources()[name]["outputs"]

    def providers(self) -> list[int]:
        """Return the process ids of the kubernetes providers that this stack's commands have started."""
        mark = f"CONFORMANCE_STACK={self.namespace}".encode()
        found = []
        for directory in Path("/proc").iterdir():
            try:
                if directory.name.isdigit() and mark in (directory / "environ").read_bytes().split(b"\0"):
                    words = (directory / "cmdline").read_bytes()
                    if b"plugins.kubernetes" in words or b"pulumi-resource-kubernetes" in words:
                        found.append(int(directory.name))
            except OSError:
                continue  # it ended while we looked, or is another user's
        return found

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        own = {"KUBECONFIG": str(self.cluster.kubeconfig), "CONFORMANCE_STACK": self.namespace}
        return self._engine.environment | own | more


class Engine:
    """The engine with one home, one backend and one passphrase for all stacks of a test run."""

    def __init__(self, directory: Path, pulumi: Path) -> None:
        self.pulumi = pulumi
        layout = Layout(root=directory)
        layout.backend.mkdir(parents=True)
        layout.passphrase.write_text("correct horse")
        ours = engine_environment(layout, policy_pack=None)
        if OFFICIAL:
            # Only the state is kept apart: plugins are what this machine's own home and PATH give.
            ours = {name: ours[name] for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE")}
        else:
            install_plugins(layout.pulumi_home, Path(sys.executable))
        kept = ("PULUMI_HOME",) if OFFICIAL else ()
        clean = {k: v for k, v in os.environ.items() if k in kept or not k.startswith(("PULUMI_", "KUBE"))}
        self.environment = clean | ours

    def command(self, *arguments: str) -> list[str]:
        return [str(self.pulumi), *arguments, "--non-interactive", "--color", "never"]


def eventually(look: Callable[[], Any], *, within: float = 30.0) -> Any:
    """Return the first truthy answer; fails when none comes in time (seconds)."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.1)
    return seen


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster(control_plane)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    found = shutil.which("pulumi")
    if found is None or not OFFICIAL:
        try:
            found = str(provide(["pulumi"], report=print)["pulumi"].path)
        except ToolError as error:
            pytest.skip(f"no engine on this machine: {error}")
    return Engine(tmp_path_factory.mktemp("engine"), Path(found))


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory: pytest.TempPathFactory, engine: Engine, cluster: Cluster) -> Callable[[str], Stack]:
    """Return a function that makes a stack with a namespace of its own; the word given is part of both names."""

    def make(word: str) -> Stack:
        name = f"{word}-{secrets.token_hex(3)}"
        cluster.make_namespace(name)
        return Stack(tmp_path_factory.mktemp("projects") / name, engine, cluster, name)

    return make


@pytest.fixture
def stack(new_stack: Callable[[str], Stack]) -> Stack:
    return new_stack("test")
