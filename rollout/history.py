"""`python -m rollout.history churn -s prod`: which version and digest served when, and by whose update."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rollout.engine import EngineError, Pulumi
from rollout.served import Serving, digests_of, history_of

__all__ = ["main", "table"]

_ROOT = Path(__file__).resolve().parent.parent
# Of a digest: what `docker images --digests` needs to be unambiguous, sha256: and twelve.
_DIGEST = 19
_COMMIT = 9
_WIDTH = 160


def table(found: list[Serving]) -> Table:
    """Return a model's history for the terminal, newest first."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("since", "version", "slot", "digest", "canary", "by", "commit", "message"):
        shown.add_column(heading, no_wrap=True)
    for one in found:
        commit = (one.commit or "-")[:_COMMIT] + ("+" if one.dirty else "")
        failed = "" if one.result == "succeeded" else f"[{one.result}] "
        shown.add_row(
            _moment(one.since),
            one.version or "-",
            one.slot or "-",
            (one.digest or "-")[:_DIGEST],
            f"{one.percent} % to {one.canary}" if one.percent else "-",
            one.by or "-",
            commit,
            failed + (one.message.splitlines() or [""])[0],
        )
    return shown


def _moment(written: str) -> str:
    """Write a moment in the reader's own time."""
    try:
        return datetime.fromisoformat(written).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return written


def main(
    model: Annotated[str, typer.Argument(help="The model.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, whole digests and commits.")] = False,  # noqa: FBT002
) -> None:
    """Tell which version and digest of a model served when, and by whose update.

    A plus behind a commit says that files differed from it. Exit code: 0 told; 1 the stack knows of no such model;
    2 the stack's history cannot be read.
    """
    engine = Pulumi(root=_ROOT, stack=stack)
    try:
        found = history_of(model, engine.history(), digests_of(engine.output("models"), model))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    if as_json:
        sys.stdout.write(f"{json.dumps([asdict(one) for one in found], indent=2)}\n")
    elif found:
        console = Console(highlight=False, markup=False)
        # Cut columns would hide what was asked for; a narrow terminal wraps lines by itself.
        console.print(table(found), width=max(console.width, _WIDTH), crop=False)
    if not found:
        sys.stderr.write(f"no update of stack {stack} had a model {model}\n")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
