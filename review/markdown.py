"""A report as one Markdown comment, with the marker by which it is found again. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from review.changes import CREATE, DELETE, REPLACE, UPDATE
from review.comment import MARKER, joined
from review.report import FAILED, FINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from review.changes import Change, Difference
    from review.report import Report

__all__ = ["MARKER", "comment", "section", "short"]

_SIGNS = {CREATE: "+", DELETE: "-", UPDATE: "~", REPLACE: "±"}
# A value is shown as far as it tells something; a whole configuration file is for the files' own diff.
_WIDTH = 160
# An `@` inside a word, as before an image's digest, notifies nobody.
_MENTION = re.compile(r"(?<!\w)@")


def comment(sections: Sequence[str]) -> str:
    """Put the environments' sections into one comment; what is too long is cut, and that is said."""
    return joined(["## Preview", *(sections or ["No environment is touched by this change."])])


def section(report: Report) -> str:
    """Write one environment down."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    head = {FINE: report.summary, FAILED: "**no preview was made**"}.get(report.verdict, "**refused**")
    yield f"### {report.stack}: {head}"
    yield ""
    yield from _list([f"{report.stack}: {_escaped(word)}" for word in (*report.words, *report.cost)])
    if report.reasons:
        yield "**Why it cannot be applied:**" if report.verdict != FAILED else "**Why:**"
        yield from _fenced("\n".join(report.reasons))
    if report.warnings:
        yield "**Warnings**"
        yield ""
        yield from _list([f"⚠️ {_escaped(warning)}" for warning in report.warnings])
    if report.moved:
        yield from _table(report)
    if report.verdict != FAILED:
        yield f"**Policies**: {report.policies}"
        yield ""
        yield from _list([f"`{each.policy}` on {each.resource}: {_escaped(each.message)}" for each in report.findings])
        yield from _folded("not checked yet, since values are known only when it is applied", report.unchecked)
    if report.rehearsed:
        yield f"**Rehearsal**: {report.rehearsed}"
        yield ""
    if report.changes:
        yield f"<details><summary>{report.summary}</summary>"
        yield from _fenced("\n".join(_diff(report.changes)), "diff")
        yield "</details>"
        yield ""
    notes = "".join(f" {note}." for note in report.notes)
    yield f"<sub>Compared with {report.against}, in {report.seconds:.0f} s.{notes}</sub>"


def _table(report: Report) -> Iterator[str]:
    yield "| budget | at rest | at most | quota |"
    yield "| --- | --- | --- | --- |"
    for row in report.moved:
        above = " ⚠️" if row.above else ""
        what = f"{row.namespace} `{row.resource}`"
        yield f"| {what} | {_arrow(row.rest)}{above} | {_arrow(row.most)} | {_arrow(row.quota)} |"
    yield ""


def _diff(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        yield f"{_SIGNS[change.does]} {change.kind} {change.object}"
        # Of what goes, that it goes is all; its values would only hide the others'.
        for difference in () if change.does == DELETE else change.differences:
            yield from _values(difference)


def _values(difference: Difference) -> Iterator[str]:
    if difference.old is None and difference.new is None:
        yield f"~   {difference.path}"
    if difference.old is not None:
        yield f"-   {difference.path}: {short(difference.old)}"
    if difference.new is not None:
        yield f"+   {difference.path}: {short(difference.new)}"


def _list(items: Sequence[str]) -> Iterator[str]:
    if items:
        yield from (f"- {item}" for item in items)
        yield ""


def _folded(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"<details><summary>{len(items)} {title}</summary>"
        yield ""
        yield from _list(items)
        yield "</details>"
        yield ""


def _fenced(text: str, language: str = "") -> Iterator[str]:
    # Longer than any fence inside, or a value could end the block and speak with our voice.
    fence = "```"
    while fence in text:
        fence += "`"
    yield ""
    yield f"{fence}{language}"
    yield text
    yield fence
    yield ""


def _escaped(text: str) -> str:
    """Keep a line from being read as Markdown or HTML, and from naming a person: `@` would notify one."""
    joined = " ".join(text.split())
    for sign in ("\\", "`", "*", "_", "<", "[", "|", "~"):
        joined = joined.replace(sign, f"\\{sign}")
    return _MENTION.sub("@\u200b", joined)


def short(text: str) -> str:
    """Write a value as far as it tells something, on one line."""
    joined = text.replace("\n", "⏎")
    return joined if len(joined) <= _WIDTH else f"{joined[:_WIDTH]}… ({len(joined)} characters)"


def _arrow(values: tuple[str | None, str | None]) -> str:
    before, after = ("none" if value is None else value for value in values)
    return after if before == after else f"{before} → {after}"
