"""A copy of this working tree with a sandbox of its own, used as a newcomer would use it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine import Found

# What somebody might add to the program: a Service that opens a port on every node.
NODE_PORT = """
import pulumi

pulumi.CustomResource(
    "kubernetes:core/v1:Service",
    "open",
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "open", "namespace": "research-local"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "open"}},
    },
)
"""
REPOSITORY = Path(__file__).resolve().parents[2]


class Clone:
    """Commands in a copy of the tree; what a user would type, and what it printed."""

    found: Found

    def __init__(self, directory: Path, *, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.environment = {
            name: value
            for name, value in {**os.environ, **(environment or {})}.items()
            if name != "SANDBOX_DIR" and not name.startswith(("PULUMI_", "KUBE"))
        }
        # Whatever is started here inherits it, by which `machine` knows what was left behind.
        self.environment["ML_PLATFORM_CLONE"] = str(directory)
        self._shell: dict[str, str] | None = None
        self.is_down = False
        self.down_seconds = 0.0

    @classmethod
    def make(cls, directory: Path, *, environment: dict[str, str] | None = None) -> Clone:
        """Copy what git would commit, uncommitted changes included, and share the environment's packages."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            source, target = REPOSITORY / name, directory / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        (directory / ".venv").symlink_to(REPOSITORY / ".venv")
        return cls(directory, environment=environment)

    def sandbox(self, *arguments: str, timeout: float = 1500) -> subprocess.CompletedProcess[str]:
        """Run `python -m sandbox ...` here; what it printed is the result's stdout."""
        return self.run(".venv/bin/python", "-m", "sandbox", *arguments, environment=self.environment, timeout=timeout)

    def take_down(self) -> None:
        """Run `python -m sandbox down` here and keep how long it took."""
        began = time.monotonic()
        self.sandbox("down")
        self.down_seconds, self.is_down = time.monotonic() - began, True

    def shell(self) -> dict[str, str]:
        """Return the environment of a shell that sourced `.sandbox/env`."""
        if self._shell is None:
            printed = subprocess.run(
                ["bash", "-c", ". .sandbox/env && env -0"],
                cwd=self.directory,
                env=self.environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            self._shell = dict(entry.split("=", 1) for entry in printed.split("\0") if "=" in entry)
        return self._shell

    def unpoliced(self) -> dict[str, str]:
        """Return that environment without the policy pack."""
        return {name: value for name, value in self.shell().items() if name != "PULUMI_OPTION_POLICY_PACK"}

    def run(
        self,
        *command: str,
        environment: dict[str, str] | None = None,
        timeout: float = 600,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a shell that sourced `.sandbox/env`; stderr is part of what it printed."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=environment or self.shell(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"`{shlex.join(command)}` exited with {done.returncode}:\n{done.stdout[-12000:]}")
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in that shell and return it; for tests that interrupt it."""
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.shell(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def set(self, path: str, value: str) -> None:
        """Set one word of the stack's configuration, as the README says."""
        self.run("pulumi", "config", "set", "--path", f"ml-platform:{path}", value, "-s", "local")

    def up(self, *, check: bool = True, timeout: float = 600, quick: bool = False) -> subprocess.CompletedProcess[str]:
        """Run `pulumi up`; a quick one without the preview before it and the policies: half of its time."""
        words = ["pulumi", "up", "-s", "local", "--yes", "--non-interactive", "--color", "never"]
        if not quick:
            return self.run(*words, check=check, timeout=timeout)
        return self.run(*words, "--skip-preview", environment=self.unpoliced(), check=check, timeout=timeout)

    def preview(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", "preview", "-s", "local", "--non-interactive", "--color", "never", check=check)

    @contextmanager
    def program_with(self, addition: str) -> Iterator[None]:
        """Have more in the program for a while: what a pull request might add."""
        program = self.directory / "infra" / "__main__.py"
        text = program.read_text()
        program.write_text(text + addition)
        try:
            yield
        finally:
            program.write_text(text)

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.json_text("pulumi", "stack", "output", "--json", "-s", "local"))

    def json_text(self, *command: str) -> str:
        return subprocess.run(
            command, cwd=self.directory, env=self.shell(), check=True, capture_output=True, text=True
        ).stdout

    def kubectl(self, *arguments: str) -> Any:
        """Return an object, or a list of them, as the API server has it."""
        return json.loads(self.json_text("kubectl", *arguments, "--output", "json"))

    def eventually(self, holds: Any, *, within: float, what: str) -> Any:
        """Return what `holds()` returns once it is true; fail with `what` after `within` seconds."""
        deadline = time.monotonic() + within
        while True:
            found = holds()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within:.0f} s: {what}")
            time.sleep(0.2)
