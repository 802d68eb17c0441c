"""Exemptions and configuration: what they do, and what is refused in them."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from small_objects import namespace, service

from policies import configured, exempt
from policies.configured import ConfigurationError, Configured
from policies.exempt import Exemption, Exemptions
from policies.judgement import Judgement, judge
from policies.rules import RULES

TODAY = date(2026, 3, 1)
BY_ID = {rule.id: rule for rule in RULES}


def exemption(**changes):
    held = {
        "rule": "service-not-node-port",
        "resource": "Service fraud-prod/churn",
        "reason": "an appliance that knows no gateway",
        "until": date(2026, 6, 1),
    }
    return Exemption(**held | changes)


def told(exemptions, *manifests, stack=None, levels=None, of_files=False):
    held = Exemptions(tuple(exemptions), today=TODAY, stack=stack)
    judgement = Judgement(Configured(levels=levels or {}), held, of_files=of_files)
    resources = [(f"kubernetes:v1:{each['kind']}", each, f"urn:{number}") for number, each in enumerate(manifests)]
    found = judge(resources, judgement)
    names = {"service-not-node-port", "exemption-in-force"}
    return [(one.rule.id, one.violation, one.finding.found) for one in found if one.rule.id in names]


NODE_PORT = service(None, type="NodePort")
OPENS = "opens a port on every node (NodePort)"


def test_an_exemption_holds_for_its_rule_and_its_object():
    assert told([], NODE_PORT) == [("service-not-node-port", True, OPENS)]
    assert told([exemption()], NODE_PORT) == [("service-not-node-port", False, OPENS)]


def test_an_exemption_holds_to_the_end_of_its_last_day_and_is_then_a_violation_itself():
    assert told([exemption(until=TODAY)], NODE_PORT) == [("service-not-node-port", False, OPENS)]
    assert told([exemption(until=date(2026, 2, 28))], NODE_PORT) == [
        ("service-not-node-port", True, OPENS),
        ("exemption-in-force", True, "expired on 2026-02-28"),
    ]


def test_an_exemption_that_nobody_needs_is_a_violation():
    kept = service(None)
    assert told([exemption()], kept) == [("exemption-in-force", True, "unused: the rule is kept")]
    gone = "unused: the rule has no such resource to break it any more"
    assert told([exemption()], namespace()) == [("exemption-in-force", True, gone)]
    assert told([exemption(stack="prod")], stack="prod") == [("exemption-in-force", True, gone)]


def test_an_exemption_of_another_stack_is_none_here_and_no_violation_either():
    assert told([exemption()], namespace("fraud-dev")) == []
    assert told([exemption(stack="prod")], NODE_PORT, stack="dev") == [("service-not-node-port", True, OPENS)]
    assert told([exemption()], namespace(), of_files=True) == []


def write(tmp_path, held):
    path = tmp_path / "held.yaml"
    path.write_text(held if isinstance(held, str) else yaml.safe_dump(held))
    return path


def as_written(**changes):
    return exemption().model_dump(exclude_none=True) | changes


def test_exemptions_are_read_from_their_file(tmp_path):
    assert exempt.read(write(tmp_path, [as_written()]), today=TODAY) == (exemption(),)
    assert exempt.read(write(tmp_path, ""), today=TODAY) == ()
    assert exempt.read(tmp_path / "none.yaml", today=TODAY) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rule": "no-such-rule"}, "there is no rule no-such-rule"),
        ({"resource": "churn"}, "0.resource: String should match pattern"),
        ({"resource": "Service */*/x"}, "0.resource: String should match pattern"),
        ({"reason": "legacy"}, "0.reason: String should have at least 10 characters"),
        ({"until": "soon"}, "0.until: Input should be a valid date"),
        ({"until": date(2027, 6, 1)}, "is more than a year away"),
        ({"owner": "me"}, "0.owner: Extra inputs are not permitted"),
    ],
)
def test_an_exemption_that_says_too_little_is_refused(changes, says, tmp_path):
    with pytest.raises(ConfigurationError, match=f".*{says}.*".replace("*/*", "")):
        exempt.read(write(tmp_path, [as_written(**changes)]), today=TODAY)


def test_the_files_of_the_repository_are_in_order():
    assert configured.read().kubernetes == "1.36"
    assert isinstance(exempt.read(today=TODAY), tuple)


def test_levels_options_and_the_kubernetes_version_are_read_from_their_file(tmp_path):
    held = {
        "kubernetes": "1.30",
        "rules": {"probes": "advisory", "image-registry": {"level": "disabled", "registries": ["a.example.com"]}},
    }
    read = configured.read(write(tmp_path, held))
    assert (read.level(BY_ID["probes"]), read.level(BY_ID["image-registry"])) == ("advisory", "disabled")
    assert read.level(BY_ID["image-digest"]) == "mandatory"
    assert read.chosen(BY_ID["image-registry"]) == {"registries": ["a.example.com"]}
    assert read.chosen(BY_ID["pss-sysctls"]) == {"kubernetes": "1.30"}
    assert configured.read(write(tmp_path, "")) == configured.read(tmp_path / "none.yaml") == Configured()


def test_every_mistake_in_the_configuration_is_told_at_once(tmp_path):
    held = {
        "kubernetes": 1.3,
        "notChecked": "maybe",
        "kubernets": "1.36",
        "rules": {
            "no-such-rule": {},
            "probes": {"level": "strict", "registries": []},
            "hpa-bounds": {"ceiling": "high"},
        },
    }
    with pytest.raises(ConfigurationError) as error:
        configured.read(write(tmp_path, held))
    lines = str(error.value).splitlines()
    assert len(lines) == 7
    for expected in (
        "held.yaml.kubernets: unknown; allowed: kubernetes, notChecked, rules",
        'held.yaml: kubernetes: write "1.3" in quotes: 1.30 without is the number 1.3',
        "held.yaml: notChecked: 'maybe'; allowed: report, fail",
        "rules.no-such-rule: there is no such rule",
        "held.yaml: rules.probes.level: 'strict'; allowed: mandatory, advisory, disabled",
        "rules.probes.registries: unknown; allowed: nothing but level",
    ):
        assert expected in lines
    with pytest.raises(ConfigurationError, match="allowed: kubernetes"):
        configured.read(write(tmp_path, "- 1"))
