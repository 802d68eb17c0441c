"""A report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from review.changes import CREATE, DELETE, REPLACE, UPDATE
from review.markdown import short
from review.report import FAILED, FINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from review.changes import Difference
from review.report import Report

__all__ = ["show"]

_STYLES = {CREATE: ("+", "green"), DELETE: ("-", "red"), UPDATE: ("~", "yellow"), REPLACE: ("±", "magenta")}


def show(report: Report, console: Console) -> None:
    """Print one environment: words first, then what to look at, then the values."""
    head = {FINE: report.summary, FAILED: "no preview was made"}.get(report.verdict, "refused")
    lines = [("", ""), (f"{report.stack}: {head}", "bold" if report.verdict == FINE else "bold red")]
    lines += [(f"  {report.stack}: {word}", "") for word in (*report.words, *report.cost)]
    lines += [(f"  {line}", "red") for reason in report.reasons for line in reason.splitlines()]
    lines += [(f"  warning: {warning}", "yellow") for warning in report.warnings]
    _say(console, lines)
    if report.moved:
        console.print(_budget(report))
    _say(console, _policies(report))
    _say(console, _changes(report))
    lines = [(f"  note: {note}", "dim") for note in report.notes]
    _say(console, [*lines, (f"  compared with {report.against}, in {report.seconds:.0f} s", "dim")])


def _say(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    for text, style in lines:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _policies(report: Report) -> Iterator[tuple[str, str]]:
    if report.verdict != FAILED:
        yield f"  policies: {report.policies}", ""
    if report.rehearsed:
        yield f"  rehearsal: {report.rehearsed}", ""
    for finding in report.findings:
        yield f"    {finding.policy} [{finding.level}] on {finding.resource}: {finding.message}", "red"
    for name in report.unchecked:
        yield f"    not checked yet: {name}", ""


def _changes(report: Report) -> Iterator[tuple[str, str]]:
    for change in report.changes:
        sign, style = _STYLES[change.does]
        yield f"  {sign} {change.kind} {change.object}", style
        for difference in () if change.does in (CREATE, DELETE) else change.differences:
            yield f"      {_line(difference)}", ""


def _budget(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for title in ("  budget", "at rest", "at most", "quota"):
        table.add_column(title, no_wrap=True, header_style="")
    for row in report.moved:
        style = "red" if row.above else ""
        cells = [_arrow(each) for each in (row.rest, row.most, row.quota)]
        table.add_row(f"  {row.namespace} {row.resource}", *map(escape, cells), style=style)
    return table


def _line(difference: Difference) -> str:
    if difference.old is None and difference.new is None:
        return difference.path
    if difference.old is None:
        return f"{difference.path}: {short(difference.new or '')}"
    return (
        f"{difference.path}: {short(difference.old)} → {'nothing' if difference.new is None else short(difference.new)}"
    )


def _arrow(values: tuple[str | None, str | None]) -> str:
    before, after = ("none" if value is None else value for value in values)
    return after if before == after else f"{before} → {after}"
