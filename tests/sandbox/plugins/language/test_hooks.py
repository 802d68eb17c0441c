"""Resource hooks, on which the switch's guard rests, run in the program while the engine waits."""

from __future__ import annotations

import pytest

PROGRAM = """
    import asyncio
    import pulumi

    config = pulumi.Config()

    async def guard(args):
        await asyncio.sleep(0.3)
        old = (args.old_inputs or {}).get("input")
        print(f"guard: {old} to {args.new_inputs['input']}")
        if config.get("refuse"):
            raise Exception("green has no ready pod")

    hook = pulumi.ResourceHook("guard", guard, opts=pulumi.ResourceHookOptions(on_dry_run=True))
    binding = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
    stash = pulumi.Stash("routing", input=config.require("word"), opts=pulumi.ResourceOptions(hooks=binding))
    pulumi.export("word", stash.input)
"""


@pytest.fixture
def guarded(project):
    project.describe(PROGRAM)
    project.run("config", "set", "word", "blue")
    return project


def test_a_hook_sees_old_and_new_inputs_in_the_preview_and_in_the_update(guarded):
    assert "guard: None to blue" in guarded.run("up", "--yes", "--skip-preview")
    guarded.run("config", "set", "word", "green")
    assert "guard: blue to green" in guarded.run("preview")
    assert "guard: blue to green" in guarded.run("up", "--yes", "--skip-preview")
    assert guarded.output("word") == "green"


def test_a_hook_is_not_run_when_nothing_changes(guarded):
    guarded.run("up", "--yes", "--skip-preview")
    assert "guard:" not in guarded.run("up", "--yes", "--skip-preview")


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")], ids=["preview", "up"])
def test_a_hook_that_raises_stops_the_command_before_the_resource_is_touched(guarded, command):
    guarded.run("up", "--yes", "--skip-preview")
    guarded.run("config", "set", "word", "green")
    guarded.run("config", "set", "refuse", "yes")
    shown = guarded.run(*command, succeeds=False)
    assert "green has no ready pod" in shown
    assert guarded.output("word") == "blue"
