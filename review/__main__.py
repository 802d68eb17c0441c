"""`python -m review prod --base main`: what a change does to an environment, without its cluster."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from review import markdown, terminal
from review.ended import Ended, ReviewError
from review.review import Review
from review.trees import base_of

_ROOT = Path(__file__).resolve().parent.parent


def main(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="The stacks; by default those that the change touches.")
    ] = None,
    *,
    base: Annotated[str, typer.Option(help="The branch, or commit, that the change is to be merged into.")] = "main",
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write the report as one Markdown comment too.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON too.")] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Apply the change there too, afterwards.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Preview on the stacks' own clusters instead.")] = False,
) -> None:
    """Preview a change on a throw-away control plane: needs no cluster, no credentials, no passphrase.

    Exit code: 0 it can be applied; 1 it is refused; 2 no preview was made; 3 the base itself cannot be applied.
    """
    console, progress = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    began = time.monotonic()

    def say(line: str) -> None:
        progress.print(f"{time.monotonic() - began:5.0f} s  {line}", markup=False)

    try:
        # As Ctrl-C does: what was started is ended by the blocks that started it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        review = Review(base=base_of(_ROOT, base), rehearse=rehearse, live=live, say=say)
        ended, reports = review.run(stacks or [])
    except ReviewError as error:
        say(str(error))
        raise typer.Exit(error.ended) from None
    except KeyboardInterrupt:
        raise typer.Exit(Ended.STOPPED) from None
    for report in reports:
        terminal.show(report, console)
    if not reports:
        console.print("No environment is touched by this change.")
    if markdown_file is not None:
        markdown_file.write_text(markdown.comment([markdown.section(each) for each in reports]), encoding="utf-8")
    if json_file is not None:
        values = [each.values() for each in reports]
        json_file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    raise typer.Exit(ended)


if __name__ == "__main__":
    typer.run(main)
