"""Pulumi's command line, for one stack: the ordinary commands that a user would type."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rollout.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Change", "Engine", "EngineError", "Pulumi"]


class EngineError(Exception):
    """A command of Pulumi failed; the message is the command and the end of what it printed."""

    def __init__(self, command: str, output: str) -> None:
        super().__init__(f"`{command}` failed:\n{output}")
        self.output = output

    @property
    def locked(self) -> bool:
        """Whether another update of the stack is running, so that this one did nothing."""
        return "currently locked" in self.output or "Another update is currently in progress" in self.output


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that a preview would change: the operation, its URN's type and name."""

    operation: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} {self.type.rpartition(':')[2]} {self.name}"


class Engine(Protocol):
    """What a rollout needs of the engine."""

    def configure(self, values: Mapping[str, str]) -> None:
        """Set these paths of the stack's configuration, all at once."""

    def up(self, message: str) -> None:
        """Bring the stack to what its configuration says; `message` is for its history. Raises EngineError."""

    def pending(self) -> list[Change]:
        """Preview: what an `up` would change now. Raises EngineError."""


@dataclass(kw_only=True)
class Pulumi:
    """The real engine. `tell` gets each line of a running `up`."""

    root: Path
    stack: str
    tell: Callable[[str], None] = lambda _: None
    stopping: Stopping = field(default_factory=Stopping)

    def configure(self, values: Mapping[str, str]) -> None:
        """Set these paths of the stack's file in one write, so that no moment has one without the other."""
        plain = [word for path, value in values.items() for word in ("--plaintext", f"{path}={value}")]
        self._read("config", "set-all", "--path", *plain)

    def up(self, message: str) -> None:
        """Run `pulumi up`. Without its preview: every refusal of the guard is made in the update itself as well."""
        # Without the outputs, which in a refused update stand below the reason and are longer than it.
        plain = ("--suppress-outputs", *_PLAIN)
        command = self._command("up", "--yes", "--skip-preview", "--message", message, *plain)
        lines: list[str] = []
        # In a process group of its own: a Ctrl-C of the terminal reaches this process alone, which lets the update end.
        with self._start(command, stderr=subprocess.STDOUT, process_group=0) as process:
            if process.stdout is None:
                raise RuntimeError("a process that was started with a pipe has none")

            def pressed(times: int) -> None:
                if times == 1:
                    self.tell("stopping as soon as this `pulumi up` has ended; Ctrl-C again cancels it")
                else:
                    process.send_signal(signal.SIGINT)  # the engine's own: once cancels, twice kills

            self.stopping.on_press = pressed
            try:
                for line in process.stdout:
                    lines.append(line.rstrip())
                    if lines[-1]:
                        self.tell(lines[-1].strip())
            finally:
                self.stopping.on_press = None
        if process.returncode:
            raise EngineError(_shown(command), "\n".join(lines[-_TAIL:]))

    def pending(self) -> list[Change]:
        """Run `pulumi preview`, and give the resources that are not as they should be."""
        printed = self._read("preview", "--json", "--non-interactive")
        steps: list[Any] = json.loads(printed).get("steps") or []
        return [
            Change(operation=step["op"], type=urn[-2].rpartition("$")[2], name=urn[-1])
            for step in steps
            if step["op"] not in ("same", "refresh", "read") and len(urn := step["urn"].split("::", 3)) == _URN_PARTS
        ]

    def output(self, name: str) -> Any:
        """Return one of the stack's outputs, None where it has none of that name."""
        return json.loads(self._read("stack", "output", "--json")).get(name)

    def secret_output(self, name: str) -> Any:
        """Return one of the stack's outputs in plain text, None where it has none of that name. It is never shown."""
        return json.loads(self._read("stack", "output", "--json", "--show-secrets")).get(name)

    def history(self) -> list[dict[str, Any]]:
        """Return all of the stack's updates, with the configuration that each ran with."""
        printed = self._read("stack", "history", "--json")
        found: list[dict[str, Any]] = json.loads(printed or "[]")
        return found

    def _read(self, *arguments: str) -> str:
        command = self._command(*arguments)
        with self._start(command, stderr=subprocess.PIPE, process_group=0) as process:
            printed, errors = process.communicate()
        if process.returncode:
            raise EngineError(_shown(command), "\n".join((errors or printed).splitlines()[-_TAIL:]))
        return printed

    def _command(self, *arguments: str) -> list[str]:
        return ["pulumi", *arguments, "--stack", self.stack]

    def _start(self, command: list[str], *, stderr: int, process_group: int) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                process_group=process_group,
                text=True,
                errors="replace",
            )
        except FileNotFoundError:
            raise EngineError(_shown(command), "pulumi is not on the PATH") from None


_PLAIN = ("--non-interactive", "--color", "never")
# Lines of a failed command that are shown: the guard's refusal is some ten, below the list of resources.
_TAIL = 40
_URN_PARTS = 4


def _shown(command: list[str]) -> str:
    return shlex.join(command)
