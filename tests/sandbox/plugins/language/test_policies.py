"""Policy packs are plugins written in Python, which the engine starts through the language host."""

from __future__ import annotations

import json
import sys

import pytest

PACK = """
    from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
    from rules import calm

    PolicyPack(
        name="scratch",
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=[
            ResourceValidationPolicy(name="be-calm", description="no shouting", validate=calm),
        ],
    )
"""
RULES = """
    def calm(args, report):
        word = args.props.get("input")
        if isinstance(word, str) and word.isupper():
            report(f"write {word.lower()} instead")
"""
PROGRAM = """
    import pulumi
    pulumi.Stash("word", input=pulumi.Config().require("word"))
"""


@pytest.fixture
def policed(project):
    project.describe(PROGRAM, settings="main: infra/\n")
    # The program's folder has a module of the same name: it must not stand before the pack's own.
    project.write("infra/rules.py", "raise AssertionError('the wrong rules')\n")
    project.write("policies/__main__.py", PACK)
    project.write("policies/rules.py", RULES)
    project.write("policies/PulumiPolicy.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.environment["PULUMI_OPTION_POLICY_PACK"] = str(project.directory / "policies")
    return project


def test_a_plain_up_that_breaks_no_rule_goes_through(policed):
    policed.run("config", "set", "word", "hello")
    policed.run("up", "--yes")
    assert policed.processes() == {}


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")], ids=" ".join)
def test_a_mandatory_rule_stops_the_command_before_anything_is_made(policed, command):
    policed.run("config", "set", "word", "HELLO")
    shown = policed.run(*command, succeeds=False)
    assert "be-calm" in shown
    assert "write hello instead" in shown
    assert not [r for r in policed.resources() if r["type"] == "pulumi:index:Stash"]


def test_a_pack_that_cannot_start_says_why(policed):
    policed.run("config", "set", "word", "hello")
    policed.write("policies/rules.py", "raise LookupError('in the rules')\n")
    shown = policed.run("preview", succeeds=False)
    assert "LookupError: in the rules" in shown
    assert policed.processes() == {}


def test_a_state_file_is_analyzed_without_stack_or_login(policed):
    policed.run("config", "set", "word", "HELLO")
    policed.environment.pop("PULUMI_OPTION_POLICY_PACK")
    policed.run("up", "--yes", "--skip-preview")
    state = policed.write("state.json", policed.run("stack", "export"))
    assert json.loads(state.read_text())["deployment"]
    shown = policed.run("policy", "analyze", "--policy-pack", "policies", "--file", str(state), succeeds=False)
    assert "write hello instead" in shown
