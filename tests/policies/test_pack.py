"""The pack as Pulumi loads it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from policies.rules import RULES, SUBJECTS

ROOT = Path(__file__).resolve().parents[2]
PROMISED = """
    requests-limits probes image-digest image-registry image-not-latest read-only-root no-default-service-account
    no-automount-token replicas-ha spread rolling-strategy priority-class grace-period
    rbac-no-wildcards rbac-no-cluster-admin rbac-no-escalation rbac-no-secrets-wide rbac-no-pod-exec
    namespace-labels namespace-quota namespace-limit-range network-default-deny no-default-namespace
    ingress-tls ingress-no-wildcard service-not-node-port service-no-external-ips dangling-references
    no-secret-in-env no-secret-in-config-map no-plain-secret-in-stack
    hpa-target hpa-bounds hpa-owns-replicas pdb-allows-disruption one-autoscaler
    active-slot-ready-size slots-match-their-versions version-immutable await-longer-than-start gpu-surge-fits-quota
    gpu-budget environment-budget
"""


def test_there_is_a_rule_of_each_name_that_was_promised():
    assert {rule.id for rule in RULES if not rule.id.startswith("pss-")} == set(PROMISED.split())
    assert len([rule for rule in RULES if rule.id.startswith("pss-")]) == 19


def test_each_rule_has_its_subject():
    assert [rule for rules in SUBJECTS.values() for rule in rules] == list(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_and_how_to_mend_it(rule):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert rule.source.startswith(("https://kubernetes.io/docs/", "https://www.pulumi.com/docs/"))
    assert rule.remedy.endswith(".")
    assert not rule.reason.endswith(".")
    assert rule.check.__doc__
    for option in rule.options.values():
        assert option.read(option.default) == option.default
        assert option.schema()["description"] == option.says


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
