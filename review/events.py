"""A preview as the engine logged it: one JSON object a line, read into what a report needs. Pure.

The log, not `pulumi preview --json`: that leaves out what policies say, and the resources that stay as they are.
Format: `sdk/go/common/apitype/events.go` of the engine.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.changes import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Finding", "Outcome", "read_events"]

_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
# How the policy SDK says that a rule met a value that only the update will know.
_UNCHECKED = "can't run policy"
# What follows from another error: the engine's last word, and what it stopped on the way.
_ECHO = re.compile(r"^(preview|update) failed$|context canceled$")
_STACK = "pulumi:pulumi:Stack"
_URN_PARTS = 4


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one policy says of one resource."""

    policy: str
    level: str
    """`mandatory` stops a plan, `advisory` does not."""
    resource: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run of the engine planned and said."""

    steps: tuple[Step, ...] = ()
    lines: tuple[str, ...] = ()
    """What the program itself said about its plan."""
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    """Policies that could not be judged yet, each with its resource."""
    packs: tuple[str, ...] = ()
    """The policy packs that ran."""

    @property
    def violations(self) -> tuple[Finding, ...]:
        """Findings that stop the plan."""
        return tuple(finding for finding in self.findings if finding.level == "mandatory")


def read_events(log: Iterable[str]) -> Outcome:
    """Read an event log."""
    events = [json.loads(line) for line in log if line.strip()]
    steps = tuple(_steps(events))
    named = {urn: f"{step.kind} {step.object}" for urn, step in steps}
    findings, unchecked = _policies(events, named)
    lines, warnings, errors = _said(events, named)
    return Outcome(
        steps=tuple(step for _, step in steps),
        lines=tuple(dict.fromkeys(lines)),
        warnings=tuple(dict.fromkeys(warnings)),
        errors=tuple(dict.fromkeys(errors)),
        findings=tuple(dict.fromkeys(findings)),
        unchecked=tuple(dict.fromkeys(unchecked)),
        packs=tuple(_packs(events)),
    )


def _steps(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Step]]:
    for event in events:
        if (found := (event.get("resourcePreEvent") or {}).get("metadata")) is None:
            continue
        old, new = found.get("old") or {}, found.get("new") or {}
        yield (
            found["urn"],
            Step(
                operation=found["op"],
                type=found["type"],
                name=_parts(found["urn"])[1],
                custom=bool((new or old).get("custom")),
                old=old.get("inputs"),
                new=new.get("inputs"),
                keys=tuple(found.get("keys") or ()),
                diffs=tuple(found.get("detailedDiff") or found.get("diffs") or ()),
            ),
        )


def _said(events: Iterable[Mapping[str, Any]], named: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """Sort what was said into the program's own lines, warnings and errors."""
    lines: list[str] = []
    warnings: list[str] = []
    errors: list[str] = []
    for event in events:
        said = event.get("diagnosticEvent") or {}
        text, urn = _plain(said.get("message", "")), said.get("urn") or ""
        if not text or said.get("ephemeral"):
            continue
        ours = not urn or _parts(urn)[0] == _STACK
        of = "" if ours else f"{named.get(urn, ' '.join(_parts(urn)))}: "
        if said.get("severity") == "error":
            errors.append(f"{of}{text}")
        elif said.get("severity") == "warning":
            warnings.append(f"{of}{text}")
        elif said.get("severity") == "info" and ours:
            lines.append(text)
    return lines, warnings, [error for error in errors if not _ECHO.search(error)] or errors


def _policies(events: Iterable[Mapping[str, Any]], named: Mapping[str, str]) -> tuple[list[Finding], list[str]]:
    findings: list[Finding] = []
    unchecked: list[str] = []
    for event in events:
        if (found := event.get("policyEvent")) is None:
            continue
        urn = found.get("resourceUrn") or ""
        resource = named.get(urn, " ".join(_parts(urn)))
        message = _plain(found.get("message", ""))
        if _UNCHECKED in message:
            unchecked.append(f"{found['policyName']} on {resource}")
            continue
        findings.append(
            Finding(
                policy=found["policyName"],
                level=found.get("enforcementLevel", ""),
                resource=resource,
                message=message,
            )
        )
    return findings, unchecked


def _packs(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the packs of the last summary; the key has its capitals by an oversight that the engine keeps."""
    summaries = [event["summaryEvent"] for event in events if event.get("summaryEvent")]
    packs = summaries[-1].get("PolicyPacks") or {} if summaries else {}
    # A pack of this tree is named by its path as well: `ml-platform|local|/home/...`.
    return [f"{name.partition('|')[0]} {version}".strip() for name, version in packs.items()]


def _parts(urn: str) -> tuple[str, str]:
    """Give a URN's type and name: `urn:pulumi:prod::ml-platform::a$b::name`."""
    parts = urn.split("::", 3)
    return (parts[2].rpartition("$")[2], parts[3]) if len(parts) == _URN_PARTS else ("", urn)


def _plain(text: str) -> str:
    return _COLOUR.sub("", text).strip()
