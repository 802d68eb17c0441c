"""`python -m review prod --base main`: what a change does to an environment, without its cluster."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from review import markdown, terminal
from review.compare import applied, check
from review.ended import Ended, ReviewError
from review.plane import Programs, find_programs
from review.report import FAILED, REFUSED, refused
from review.touched import touched
from review.trees import Base, base_of, changed_files, copy_base, copy_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from review.report import Report

_ROOT = Path(__file__).resolve().parent.parent


def main(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="The stacks; by default those that the change touches.")
    ] = None,
    base: Annotated[str, typer.Option(help="The branch, or commit, that the change is to be merged into.")] = "main",
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write the report as one Markdown comment too.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON too.")] = None,
) -> None:
    """Preview a change on a throw-away control plane: needs no cluster, no credentials, no passphrase.

    Exit code: 0 it can be applied; 1 it is refused; 2 no preview was made; 3 the base itself cannot be applied.
    """
    console, progress = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    began = time.monotonic()

    def say(line: str) -> None:
        progress.print(f"{time.monotonic() - began:5.0f} s  {line}", markup=False)

    try:
        ended, reports = _review(stacks or [], base, say)
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


def _review(stacks: list[str], branch: str, say: Callable[[str], None]) -> tuple[Ended, list[Report]]:
    base = base_of(_ROOT, branch)
    chosen = stacks or touched(_ROOT, changed_files(_ROOT, base))
    if not chosen:
        return Ended.FINE, []
    programs = find_programs(lambda line: None if "in the cache" in line or "on PATH" in line else say(line))
    reports = []
    ended = Ended.FINE
    for stack in chosen:
        with tempfile.TemporaryDirectory(prefix="ml-platform-review-", ignore_cleanup_errors=True) as name:
            try:
                report = _compared(stack, base, Path(name), programs, say)
            except ReviewError as error:
                report = refused(stack, [str(error)], against=base.words, verdict=FAILED)
                ended = max(ended, error.ended)
        if report.verdict == REFUSED:
            ended = max(ended, Ended.REFUSED)
        reports.append(report)
    return ended, reports


def _compared(stack: str, base: Base, directory: Path, programs: Programs, say: Callable[[str], None]) -> Report:
    began = time.monotonic()
    before, after = directory / "base", directory / "head"
    copy_base(_ROOT, base, before)
    copy_head(_ROOT, after)
    report = check(stack, after, against=base.words)
    if report is None:
        with applied(stack, before, directory, programs, words=base.words, report=say) as stands:
            say(f"previewing {stack}")
            report = stands.preview(after)
    return replace(report, seconds=time.monotonic() - began)


if __name__ == "__main__":
    typer.run(main)
