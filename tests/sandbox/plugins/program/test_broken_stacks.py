"""The broken stack files of the settings' tests, given to the real engine: one of each kind of mistake.

All others are read by `load` alone, in tests/infra/settings: the engine has no part in which mistake it is.
"""

from __future__ import annotations

from pathlib import Path

import yaml

BROKEN = Path(__file__).resolve().parents[4] / "tests" / "infra" / "settings" / "broken"

# The program reads its settings first; were it to go on, there would be a resource.
PROGRAM = """
    import pulumi
    from infra.settings import load

    settings = load()
    pulumi.Stash("touched", input=settings.environment)
"""

# The engine writes its salt into an empty file before the program reads it; then it is config that is empty.
EMPTY = "is empty; a stack needs environment, registry, cluster and teams"

KINDS = (
    "unknown-key",
    "unknown-version",
    "both-slots-empty",
    "min-above-max",
    "bad-quantity",
    "bad-name",
    "duplicate-key",
    "missing-team",
    "secret-in-plain-text",
    "version-as-number",
    "unknown-active",
    "empty-file",
)

# What the engine itself refuses, before it starts the program, in its own words.
BY_THE_ENGINE = {"duplicate-key": "already defined"}


def test_a_broken_stack_of_each_kind_is_refused_with_all_its_mistakes_and_nothing_is_touched(project):
    project.describe(PROGRAM, settings="stackConfigDir: stacks\n")
    (project.directory / "Pulumi.yaml").write_text(
        (project.directory / "Pulumi.yaml").read_text().replace("name: scratch", "name: ml-platform")
    )
    project.run("stack", "init", "prod")
    stack = project.directory / "stacks" / "Pulumi.prod.yaml"
    project.run("config", "set", "--secret", "--path", "ml-platform:secrets.name", "8jt2-q0xz")
    encrypted = yaml.safe_load(stack.read_text())
    secure = encrypted["config"]["ml-platform:secrets"]["name"]["secure"]
    for path in (BROKEN / f"{kind}.yaml" for kind in KINDS):
        text = path.read_text().replace("v1:AAAA:BBBB", secure)
        stack.write_text(f"{text}encryptionsalt: {encrypted['encryptionsalt']}\n" if text else text)
        told = project.run("up", "--yes", "--skip-preview", "--stack", "prod", succeeds=False)
        assert "Traceback" not in told, path.name
        if path.stem in BY_THE_ENGINE:
            assert BY_THE_ENGINE[path.stem] in told, path.name
        else:
            for mistake in [EMPTY] if path.stem == "empty-file" else path.with_suffix(".txt").read_text().splitlines():
                expected = mistake.replace(path.name, "stacks/Pulumi.prod.yaml", 1)
                assert expected in told, f"{path.name}: {expected}\n{told}"
    assert not [resource for resource in project.resources() if resource["type"] == "pulumi:index:Stash"]
