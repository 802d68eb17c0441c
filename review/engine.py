"""Pulumi's command line on one stack of one tree, and the log of what it planned."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from review.ended import ReviewError
from review.events import read_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from review.events import Outcome

__all__ = ["Engine"]

# Lines of a command that failed without a log: the engine's own sentence is among the last.
_TAIL = 30
# An `up` on simulated nodes takes seconds; one that waits this long waits for what will not come.
_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine, in one environment: where states are kept, what decrypts them, where plugins are."""

    program: str
    environment: Mapping[str, str]

    def of(self, tree: Path, **more: str) -> Engine:
        """Return the engine for a copy of the repository, whose modules are imported before any that is installed."""
        path = os.pathsep.join([str(Path(sys.prefix) / "bin"), self.environment.get("PATH", os.defpath)])
        return Engine(
            program=self.program, environment={**self.environment, "PYTHONPATH": str(tree), "PATH": path, **more}
        )

    def call(self, tree: Path, *arguments: str) -> str:
        """Run a command and return what it prints. Raises ReviewError with the end of it when it fails."""
        done = self._run(tree, *arguments)
        if done.returncode:
            said = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL:])
            raise ReviewError(f"`pulumi {arguments[0]}` failed:\n{said}")
        return done.stdout

    def plan(self, tree: Path, log: Path, *arguments: str) -> Outcome:
        """Run a preview or an `up`, and return what it planned and said. Raises ReviewError where it logged nothing."""
        done = self._run(tree, *arguments, "--event-log", str(log), "--color", "never")
        outcome = read_events(log.read_text(encoding="utf-8").splitlines() if log.exists() else [])
        if done.returncode and not outcome.errors and not outcome.violations:
            said = "\n".join((done.stderr + done.stdout).splitlines()[-_TAIL:])
            raise ReviewError(f"`pulumi {arguments[0]}` failed:\n{said}")
        return outcome

    def _run(self, tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.program, *arguments, "--non-interactive"],
                cwd=tree,
                # The event log is among the commands that the engine keeps for tools such as this one.
                env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            raise ReviewError("pulumi is not on the PATH") from None
        except subprocess.TimeoutExpired:
            raise ReviewError(f"`pulumi {arguments[0]}` has not ended after {_SECONDS} s") from None
