"""The sandbox's stack `local`: its file, its passphrase, and plain `pulumi` commands on it."""

from __future__ import annotations

import json
import secrets
import subprocess
from string import Template
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.paths import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.paths import Layout
    from sandbox.progress import Progress

__all__ = ["LocalStack", "StackError"]

STACK = "local"
STACK_FILE = REPOSITORY / "stacks" / f"Pulumi.{STACK}.yaml"


class StackError(Exception):
    """The stack could not be brought up; what Pulumi printed says why."""


class LocalStack:
    """Stack `local` of this clone, kept in the sandbox's own backend."""

    def __init__(self, layout: Layout, environment: Mapping[str, str], progress: Progress) -> None:
        self._layout = layout
        self._environment = environment
        self._progress = progress

    def prepare(self, *, simulated: bool, values: Mapping[str, str]) -> None:
        """Make passphrase, stack file and stack where they are not there yet.

        A stack file that is there is the user's: only what names this sandbox is brought up to date.
        """
        self._layout.backend.mkdir(parents=True, exist_ok=True)
        if not self._layout.passphrase.exists():
            self._layout.passphrase.touch(mode=0o600)
            self._layout.passphrase.write_text(secrets.token_urlsafe(24))
        if not STACK_FILE.exists():
            STACK_FILE.write_text(Template(template(simulated=simulated).read_text()).safe_substitute(values))
        known = self._pulumi("stack", "ls", "--json")
        if not any(stack["name"] == STACK for stack in json.loads(known)):
            self._pulumi("stack", "init", STACK, "--non-interactive")
        # After that: only of a stack that is there can the configuration be changed.
        self._update_file(values)

    def up(self) -> bool:
        """Run the ordinary `pulumi up`; return whether it changed anything. Raises StackError."""
        code, output = self._progress.run(
            ["pulumi", "up", "--stack", STACK, "--yes", "--non-interactive", "--color", "never"],
            cwd=REPOSITORY,
            env=self._environment,
        )
        if code:
            raise StackError("`pulumi up` did not succeed; its own words are above")
        summary = output.rpartition("Resources:")[2]
        return any(f" {done}" in summary for done in ("created", "updated", "deleted", "replaced"))

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        shown: dict[str, Any] = json.loads(self._pulumi("stack", "output", "--json", "--stack", STACK))
        return shown

    def kubectl(self, *arguments: str) -> Any:
        """Return what `kubectl` says of an object, as JSON."""
        return json.loads(self._command("kubectl", *arguments, "--output", "json"))

    def post(self, path: str, body: Any) -> Any:
        """Send a body to a path of the API server as `kubectl` does, and return the answer, both as JSON."""
        return json.loads(self._command("kubectl", "create", "--raw", path, "--filename", "-", stdin=json.dumps(body)))

    def _update_file(self, values: Mapping[str, str]) -> None:
        config = (yaml.safe_load(STACK_FILE.read_text()) or {}).get("config", {})
        cluster = config.get("ml-platform:cluster", {})
        written = {
            "ml-platform:registry": config.get("ml-platform:registry"),
            "ml-platform:cluster.kubeconfig": cluster.get("kubeconfig"),
            "ml-platform:cluster.context": cluster.get("context"),
        }
        current = {
            "ml-platform:registry": values["REGISTRY"],
            "ml-platform:cluster.kubeconfig": values["KUBECONFIG"],
            "ml-platform:cluster.context": values["CONTEXT"],
        }
        for key, value in current.items():
            if written[key] is not None and written[key] != value:
                self._progress.say(f"stacks/{STACK_FILE.name}: {key} is now {value}")
                self._pulumi("config", "set", "--path", key, value, "--stack", STACK)

    def _pulumi(self, *arguments: str) -> str:
        return self._command("pulumi", *arguments)

    def _command(self, *command: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=dict(self._environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(f"`{' '.join(command)}` failed:\n{done.stderr or done.stdout}")
        return done.stdout


def template(*, simulated: bool) -> Path:
    """Return the example from which the stack file is written.

    Simulated nodes run no containers: their example names a published image instead of building one.
    """
    return REPOSITORY / "stacks" / ("local.simulated.example.yaml" if simulated else "local.example.yaml")
