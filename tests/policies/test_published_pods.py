"""Kubernetes' own pods get the verdicts that they are published for."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest
import yaml
from go_modules import download

from policies.rules import UNKNOWN, findings
from policies.rules.pod_security import BASELINE, RESTRICTED, implied

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "k8s.io/pod-security-admission@v0.36.0"
WITHOUT = "the Go module k8s.io/pod-security-admission is not to be had here"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One pod, and what it is published for."""

    level: str
    version: str
    passes: bool
    control: str
    """The lower-case id of the control that its file is named after; `base` for none."""
    path: Path

    @property
    def manifest(self):
        return _parsed(self.path.read_bytes())


@cache
def _parsed(text):
    # The same pod is published for many versions.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe


def published(source: Path) -> list[Published]:
    """Find every published pod."""
    found = []
    for path in sorted((source / "test" / "testdata").glob("*/*/*/*.yaml")):
        level, version, verdict = path.parts[-4:-1]
        control = re.sub(r"\d+$", "", path.stem)
        found.append(Published(level=level, version=version, passes=verdict == "pass", control=control, path=path))
    return found


def controls(source: Path) -> dict[str, str]:
    """Return the level of each control by its id, as upstream's code has them."""
    found = {}
    for path in (source / "policy").glob("check_*.go"):
        text = path.read_text()
        if path.name.endswith("_test.go"):
            continue
        named = re.search(r"\bID:\s+(?:\"(\w+)\"|(\w+)),", text)
        literal = named[1] or re.search(rf"{named[2]}\s+CheckID\s*=\s*\"(\w+)\"", text)[1]
        found[literal] = "restricted" if "api.LevelRestricted" in text else "baseline"
    return found


NEWEST = "1.36"


@pytest.fixture(scope="module")
def source():
    found = download(MODULE)
    if found is None:
        pytest.skip(WITHOUT)
    return found


def at(level, version):
    """Return the controls of a level at a version, as the admission plugin applies them."""
    if level == "baseline":
        return BASELINE
    return [rule for rule in BASELINE if rule.id not in implied(version)] + list(RESTRICTED)


def broken(rules, version, manifest):
    chosen = {"kubernetes": version}
    return {rule.id for rule in rules for one in findings(rule, "kubernetes:core/v1:Pod", manifest, chosen) if one}


def test_there_is_a_rule_for_each_control_of_each_level(source):
    expected = controls(source)
    assert len(expected) == 19
    for level, rules in (("baseline", BASELINE), ("restricted", RESTRICTED)):
        named = {
            re.sub("(?<=[a-z])(?=[A-Z])", "-", name.replace("_", "-")).lower()
            for name in expected
            if expected[name] == level
        }
        assert {rule.id for rule in rules} == {f"pss-{name}" for name in named}


def test_every_published_pod_gets_its_verdict_and_is_refused_for_what_it_is_published_for(source):
    everything = published(source)
    by_name = {rule.id.removeprefix("pss-").replace("-", ""): rule for rule in (*BASELINE, *RESTRICTED)}
    mistakes = []
    for pod in everything:
        version = pod.version.removeprefix("v")
        found = broken(at(pod.level, version), version, pod.manifest)
        if bool(found) is pod.passes:
            mistakes.append((pod.path.relative_to(source), sorted(found)))
        if not pod.passes and not broken([by_name[pod.control.replace("_", "")]], version, pod.manifest):
            mistakes.append((pod.path.relative_to(source), "for another reason"))
    print(f"{len(everything)} published pods, {len({pod.path.read_bytes() for pod in everything})} of them different")
    assert len(everything) > 4000
    assert mistakes == []


def test_the_newest_version_judges_the_newest_pods_as_the_last_that_has_pods_of_its_own(source):
    everything = published(source)
    last = max({pod.version for pod in everything}, key=lambda version: int(version.partition(".")[2]))
    newest = [pod for pod in everything if pod.version == last]
    assert len(newest) > 100
    for pod in newest:
        assert bool(broken(at(pod.level, NEWEST), NEWEST, pod.manifest)) is not pod.passes, pod.path


def test_a_published_pod_gets_the_same_verdict_in_every_kind_of_workload(source, kinds, make, told):
    newest = [pod for pod in published(source) if pod.version == "v1.35" and pod.level == "restricted"]
    for pod in newest:
        for kind in kinds:
            manifest = make(kind, copy.deepcopy(pod.manifest["spec"]), pod.manifest["metadata"])
            found = [line for rule in at("restricted", NEWEST) for line in told(rule, manifest)]
            assert bool(found) is not pod.passes, (kind, pod.path)


def test_what_a_preview_does_not_know_of_a_published_pod_is_never_a_violation_that_it_has_not(source):
    for pod in published(source):
        if pod.version != "v1.35" or not pod.passes or pod.level != "restricted":
            continue
        for hidden in _with_one_unknown(pod.manifest["spec"]):
            for rule in at("restricted", NEWEST):
                found = findings(rule, "kubernetes:core/v1:Pod", {**pod.manifest, "spec": hidden})
                assert all(one.unknown for one in found), (pod.path, rule.id, hidden)


def _with_one_unknown(value):
    """Yield copies of a value with each of its parts unknown in turn."""
    yield UNKNOWN
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        for changed in _with_one_unknown(inner):
            copied = copy.copy(value)
            copied[key] = changed
            yield copied
