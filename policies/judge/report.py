"""What was judged, for people, for programs and for CI."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policies.judgement import Told

__all__ = ["FORMATS", "Report"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of one command."""

    told: Sequence[Told]
    objects: Mapping[str, Sequence[str]]
    """What was judged, by file."""
    rules: int
    not_checked_fails: bool

    @property
    def violations(self) -> list[Told]:
        """What breaks a rule."""
        return [one for one in self.told if one.violation]

    @property
    def exempted(self) -> list[Told]:
        """What breaks a rule, and may."""
        return [one for one in self.told if one.exemption is not None]

    @property
    def unchecked(self) -> list[Told]:
        """What could not be checked."""
        return [one for one in self.told if one.unknown]

    @property
    def failed(self) -> bool:
        """Whether CI is to stop."""
        mandatory = any(one.level == "mandatory" for one in self.violations)
        return mandatory or (self.not_checked_fails and bool(self.unchecked))

    def text(self) -> str:
        """Write it for people: by file and object, each violation with its reason and remedy."""
        lines: list[str] = []
        by_object: dict[tuple[str, str], list[Told]] = defaultdict(list)
        for one in self.told:
            by_object[_file(one), one.title].append(one)
        for (file, title), told in sorted(by_object.items(), key=lambda pair: pair[0]):
            lines.append(f"{file}: {title}")
            for one in told:
                lines += _lines(one)
        counts = f"objects: {self._judged}, rules: {self.rules}, violations: {len(self.violations)}"
        counts += f", not checked yet: {len(self.unchecked)}, exempted: {len(self.exempted)}"
        return "\n".join([*lines, counts]) + "\n"

    def json(self) -> str:
        """Write it for programs."""
        parts = {"violations": self.violations, "notChecked": self.unchecked, "exempted": self.exempted}
        held = {name: [_plain(one) for one in told] for name, told in parts.items()}
        return (
            json.dumps({"objects": self._judged, "rules": self.rules, "failed": self.failed, **held}, indent=2) + "\n"
        )

    def junit(self) -> str:
        """Write it as JUnit's XML: a test case for each violation, and one for each object without any."""
        suite = ET.Element("testsuite", name="policies")
        wrong = {(_file(one), one.title) for one in self.violations}
        for one in self.told:
            case = ET.SubElement(suite, "testcase", classname=_file(one), name=f"{one.rule.id}: {one.title}")
            if one.unknown:
                ET.SubElement(case, "skipped", message=f"{one.finding.path}: not checked yet")
            elif one.exemption is not None:
                ET.SubElement(case, "skipped", message=f"exempted until {one.exemption.until}: {one.exemption.reason}")
            elif one.level == "advisory":
                ET.SubElement(case, "system-out").text = f"advisory: {one.message}"
            else:
                failure = ET.SubElement(case, "failure", type=one.rule.severity, message=one.message)
                failure.text = f"{one.message}\n{one.rule.description}"
        for file, titles in self.objects.items():
            for title in titles:
                if (file, title) not in wrong:
                    ET.SubElement(suite, "testcase", classname=file, name=title)
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("./testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("./testcase/skipped"))))
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"

    @property
    def _judged(self) -> int:
        return sum(map(len, self.objects.values()))


FORMATS = {"text": Report.text, "json": Report.json, "junit": Report.junit}


def _file(one: Told) -> str:
    return one.where.partition("#")[0] if not one.where.startswith("urn:") else one.where


def _lines(one: Told) -> list[str]:
    name = f"{one.rule.id} ({one.rule.severity})"
    if one.unknown:
        return [f"  ? {name} {one.finding.path}: not checked yet"]
    if one.exemption is not None:
        until = f"exempted until {one.exemption.until}: {one.exemption.reason}"
        return [f"  - {name} {one.finding.path}: {one.finding.found}", f"      {until}"]
    mark = "✗" if one.level == "mandatory" else "!"
    return [f"  {mark} {name} {one.message}", f"      {one.rule.description}"]


def _plain(one: Told) -> dict[str, Any]:
    held: dict[str, Any] = {
        "rule": one.rule.id,
        "severity": one.rule.severity,
        "level": one.level,
        "object": one.title,
        "where": one.where.partition("#")[0],
        "path": one.finding.path,
        "found": one.finding.found,
        "reason": one.rule.reason,
        "remedy": one.rule.remedy,
        "source": one.rule.source,
    }
    if one.exemption is not None:
        held["exemption"] = {"reason": one.exemption.reason, "until": str(one.exemption.until)}
    return held
