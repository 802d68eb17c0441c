"""The pack as Pulumi loads it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationArgs
from pulumi_policy.proxy import (
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
    UnknownValueError,
    unknown_checking_proxy,
)

from policies.pack import plain, policies, validator
from policies.rules import RULES, UNKNOWN

ROOT = Path(__file__).resolve().parents[2]


def analyse(rule_id, resource_type, properties):
    """Run one rule as the SDK does; return its violations and whether something could not be checked."""
    rule = next(rule for rule in RULES if rule.id == rule_id)
    reported: list[str] = []
    args = ResourceValidationArgs(resource_type, unknown_checking_proxy(properties), "urn:x", "x", None, None, None, {})
    try:
        validator(rule)(args, lambda message, _urn=None: reported.append(message))
    except UnknownValueError as error:
        return reported, error.message
    return reported, None


def test_every_rule_is_mandatory():
    made = policies()
    assert [policy.name for policy in made] == [rule.id for rule in RULES]
    assert {policy.enforcement_level for policy in made} == {EnforcementLevel.MANDATORY}


def test_there_are_at_least_ten_rules():
    assert len(RULES) >= 10


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_and_how_to_mend_it(rule):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert rule.source.startswith(("https://kubernetes.io/docs/", "https://www.pulumi.com/docs/"))
    assert rule.remedy.endswith(".")
    assert not rule.reason.endswith(".")
    assert rule.check.__doc__


def test_rule_ids_are_unique():
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_policies_import_neither_the_program_nor_its_components():
    for path in (ROOT / "policies").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"infra", "components", "sandbox"}, path


def test_no_file_beside_main_hides_a_standard_module():
    import sys

    for path in (ROOT / "policies").iterdir():
        assert path.stem not in sys.stdlib_module_names, path


def test_the_sdks_proxies_become_plain_values():
    held = {"a": [1.0, 2.5, {"b": UNKNOWN_STRING_VALUE}], "c": UNKNOWN_OBJECT_VALUE, "d": True, "e": None}
    assert plain(unknown_checking_proxy(held)) == {"a": [1, 2.5, {"b": UNKNOWN}], "c": UNKNOWN, "d": True, "e": None}


def test_a_violation_tells_the_place_and_the_remedy():
    reported, unchecked = analyse("service-not-node-port", "kubernetes:core/v1:Service", {"spec": {"type": "NodePort"}})
    assert reported == [
        "spec.type: opens a port on every node (NodePort). Use type ClusterIP, and a route for users from outside."
    ]
    assert unchecked is None


def test_an_unknown_value_hides_no_violation_beside_it():
    properties = {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "a", "image": UNKNOWN_STRING_VALUE},
                        {"name": "b", "image": "b:1"},
                    ]
                }
            }
        }
    }
    reported, unchecked = analyse("image-digest", "kubernetes:apps/v1:Deployment", properties)
    assert [message.split(". ")[0] for message in reported] == [
        'spec.template.spec.containers["b"]: image "b:1" has no digest'
    ]
    assert "can't be known during preview" in unchecked
    assert 'spec.template.spec.containers["a"].image' in unchecked


@pytest.mark.parametrize("resource_type", ["docker:index/image:Image", "mlplatform:index:Model", "pulumi:pulumi:Stack"])
def test_other_resources_are_left_alone(resource_type):
    assert analyse("service-not-node-port", resource_type, {"kind": "Service", "spec": {"type": "NodePort"}}) == (
        [],
        None,
    )


def test_a_zero_that_arrives_as_a_float_is_zero():
    properties = {"spec": {"securityContext": {"runAsNonRoot": True, "runAsUser": 0.0}, "containers": [{"name": "a"}]}}
    [message], _ = analyse("pss-run-as-user", "kubernetes:core/v1:Pod", properties)
    assert "runs as root" in message
