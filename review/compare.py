"""Compare on a throw-away control plane: the base branch's stack is applied, then the work at hand is previewed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from review.ended import Ended, ReviewError
from review.newcomers import refused_newcomers
from review.plane import throw_away
from review.pods import refused_pods
from review.report import FINE, REFUSED, Report, made, refused
from review.stack import Stack, read, stack_file, stacks_of
from review.stand_ins import hidden_changes, nodes_wanted
from sandbox.cluster.api import ApiError
from sandbox.paths import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from review.events import Outcome
    from review.plane import Programs
    from sandbox.cluster import ControlPlane

__all__ = ["Applied", "applied", "check"]

# Of the switch that the stand-ins turned off, which the report's own note tells of; and what a first `up` waits for.
_SMOKE_OFF = "guard.smoke is false: a switch does not ask its target for an answer"
_WAITED = "will be waited for"
# A row of the capacity table that speaks of live sizes, which here are the smallest.
_LIVE_SIZES = "switch now "
_AT_REST = (
    "Simulated cluster: every slot runs its smallest number of pods, how long one starts tells nothing, and no smoke "
    "request is sent"
)


@dataclass(frozen=True, kw_only=True)
class Applied:
    """The base branch's stack, applied. Any number of changes may be previewed on it; none changes it."""

    stack: Stack
    words: str
    """What the base is called: `main (5d0ac5f)`."""
    document: Mapping[str, Any] | None
    """The stack's file as the base has it, None where it has none."""
    said: tuple[str, ...]
    """What the program says of the base, and so of every change of it."""
    plane: ControlPlane
    directory: Path

    def preview(self, head: Path) -> Report:
        """Preview the stack of another copy of the repository, whose file is rewritten. Raises ReviewError."""
        began = time.monotonic()
        document = read(stack_file(head, self.stack.name)) or {}
        stood = self.stack.enter(head)
        outcome = self.stack.preview(head, self.directory / f"{head.name}.log")
        lines = tuple(line for line in outcome.lines if line not in self.said and not line.startswith(_LIVE_SIZES))
        outcome = replace(outcome, lines=lines, errors=(*outcome.errors, *self._refused(outcome)))
        first = () if self.document is not None else (f"A new environment: {self.words} has no {self.stack.name}",)
        return made(
            self.stack.name,
            outcome,
            against=self.words,
            warnings=[] if self.document is None else hidden_changes(self.document, document),
            notes=[*first, *stood.notes, _AT_REST],
            seconds=time.monotonic() - began,
        )

    def _refused(self, outcome: Outcome) -> list[str]:
        """Ask the API server for what the engine does not ask it in a preview."""
        api = self.plane.api
        try:
            return [*refused_pods(api, outcome.steps), *refused_newcomers(api, outcome.steps)]
        except (ApiError, OSError, HTTPException) as error:
            raise ReviewError(f"the throw-away API server does not answer: {error}") from None

    def rehearse(self, head: Path, report: Report) -> Report:
        """Apply what was previewed, and add what came of it; after this no other change can be previewed."""
        if report.verdict != FINE:
            return report
        began = time.monotonic()
        errors = self.stack.up(head, self.directory / "rehearsal.log").errors
        seconds = time.monotonic() - began
        rehearsed = "failed" if errors else f"applied as well, in {seconds:.0f} s, and every pod was admitted"
        return replace(report, verdict=REFUSED if errors else FINE, reasons=errors, rehearsed=rehearsed)


@contextmanager
def applied(
    name: str, base: Path, directory: Path, programs: Programs, *, words: str, report: Callable[[str], None]
) -> Iterator[Applied]:
    """Start a control plane and apply the base's stack to it; nothing runs after the block.

    Everything is made in `directory`; `base` is a copy of the repository whose stack file is rewritten. Raises
    ReviewError where no control plane starts or the base cannot be applied.
    """
    document = read(stack_file(base, name))
    pools, resources = nodes_wanted(document or {})
    cluster = directory / "cluster"
    with ThreadPoolExecutor(1) as pool:
        # The stack is made ready while the API server starts.
        ready = pool.submit(_prepared, name, base, directory, programs, document is not None)
        with throw_away(cluster, programs, pools=pools, resources=resources, report=report) as plane:
            stack = ready.result()
            said: list[str] = [_SMOKE_OFF]
            if document is not None:
                report(f"applying {name} as it is in {words}")
                outcome = stack.up(base, directory / "base.log")
                if outcome.errors:
                    why = "\n".join(outcome.errors)
                    raise ReviewError(f"{name} as it is in {words} cannot be applied:\n{why}", Ended.NO_BASE)
                said += [line for line in outcome.lines if not line.startswith(_WAITED)]
            yield Applied(
                stack=stack, words=words, document=document, said=tuple(said), plane=plane, directory=directory
            )


def _prepared(name: str, base: Path, directory: Path, programs: Programs, there: bool) -> Stack:  # noqa: FBT001
    layout = Layout(root=directory / "engine")
    stack = Stack(name, layout, pulumi=programs.tools["pulumi"], kubeconfig=directory / "cluster" / "admin.kubeconfig")
    if there:
        stack.enter(base)
    return stack


def check(name: str, tree: Path, *, against: str) -> Report | None:
    """Refuse a stack's file that has mistakes, as the program's own check has them, with lines; None for none.

    Before stand-ins are in it, and in a second. Raises ReviewError where there is no such stack.
    """
    file = stack_file(tree, name)
    if not file.exists():
        raise ReviewError(f"there is no stack {name}; stacks here: {', '.join(stacks_of(tree)) or 'none'}")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "infra.check", str(file.relative_to(tree))],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 1:
        return None  # right, or a check that does not run: then the program itself will say what is wrong
    return refused(name, [done.stderr.strip()], against=against, seconds=time.monotonic() - began)
