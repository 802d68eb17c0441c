"""The resource options of Pulumi that the provider has a part in, and secrets."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest

WORD = "swordfish-4711"
CODED = base64.b64encode(WORD.encode()).decode()

PROGRAM = """
def config_map(name, labels, logical=None, data=None, **options):
    k8s.core.v1.ConfigMap(
        logical or name,
        metadata={"namespace": NAMESPACE, "name": name, "labels": labels},
        data=data,
        opts=pulumi.ResourceOptions(**options),
    )

config_map("ignoring", {"a": "VALUE"}, ignore_changes=["metadata.labels.a"])
config_map("partly", {"a": "VALUE", "b": "VALUE"}, ignore_changes=["metadata.labels.a"])
config_map("replaced", {"a": "VALUE"}, replace_on_changes=["metadata.labels.a"], delete_before_replace=True)
config_map("renamed", {}, logical="LOGICAL", aliases=[pulumi.Alias(name="renamed-1")])
config_map("protected", {}, protect=PROTECT)
config_map("retained", {}, retain_on_delete=True)

word = pulumi.Output.secret("WORD")
config_map("mixed", {}, data={"open": "seen", "hidden": word})
k8s.core.v1.Secret("secret", metadata={"namespace": NAMESPACE, "name": "secret"}, string_data={"key": word})
k8s.core.v1.Secret("plain", metadata={"namespace": NAMESPACE, "name": "plain"}, string_data={"key": "WORD"})
"""

FIRST = {"VALUE": "1", "LOGICAL": "renamed-1", "PROTECT": "True", "WORD": WORD}
SECOND = FIRST | {"VALUE": "2", "LOGICAL": "renamed-2"}
THIRD = SECOND | {"PROTECT": "False"}
OBJECTS = 9


def words(values: dict[str, str]) -> str:
    text = PROGRAM
    for name, value in values.items():
        text = text.replace(name, value)
    return text


@pytest.fixture(scope="module")
def story(new_stack) -> SimpleNamespace:
    """One change of all labels at once, each object with an option of its own."""
    stack = new_stack("options")
    told = SimpleNamespace(outcomes={}, live={}, states={}, texts={})

    def record(step: str, outcome) -> None:
        told.outcomes[step] = outcome
        told.live[step] = {
            item["metadata"]["name"]: item
            for kind in ("configmaps", "secrets")
            for item in stack.cluster.get(f"{stack.home}/{kind}")["items"]
        }
        told.states[step] = stack.resources()
        told.texts[step] = stack.export()

    stack.program(words(FIRST))
    record("create", stack.up())
    stack.program(words(SECOND))
    record("preview", stack.preview("--refresh"))
    record("change", stack.up())
    record("refresh", stack.run("refresh", "--yes", "--skip-preview"))
    record("refused destroy", stack.destroy(succeeds=False))
    stack.program(words(THIRD))
    record("unprotect", stack.up())
    record("destroy", stack.destroy())
    return told


def labels(story, step: str, name: str) -> dict[str, str]:
    return story.live[step][name]["metadata"]["labels"]


def uid(story, step: str, name: str) -> str:
    return story.live[step][name]["metadata"]["uid"]


def test_an_ignored_change_is_not_made_and_the_others_are(story):
    assert labels(story, "change", "ignoring") == {"a": "1"}
    assert labels(story, "change", "partly") == {"a": "1", "b": "2"}
    assert story.outcomes["change"].changes == {"update": 1, "replace": 1, "unchanged": OBJECTS + 1 - 2}


def test_replace_on_changes_replaces_a_named_object_by_deleting_it_first(story):
    assert labels(story, "change", "replaced") == {"a": "2"}
    assert uid(story, "change", "replaced") != uid(story, "create", "replaced")


def test_an_alias_keeps_an_object_through_a_rename_in_the_program(story):
    assert uid(story, "change", "renamed") == uid(story, "create", "renamed")
    assert "renamed-1" not in story.states["change"]
    assert "renamed-2" in story.states["change"]


def test_a_protected_object_is_not_destroyed(story):
    assert "protected" in story.outcomes["refused destroy"].output
    assert uid(story, "refused destroy", "protected") == uid(story, "create", "protected")
    assert "protected" not in story.live["destroy"]


def test_an_object_retained_on_delete_leaves_the_state_and_stays_in_the_cluster(story):
    assert story.states["destroy"] == {}
    assert uid(story, "destroy", "retained") == uid(story, "create", "retained")


def test_a_secret_arrives_in_the_cluster_as_it_is(story):
    for name in ("secret", "plain"):
        assert story.live["create"][name]["data"] == {"key": CODED}
    assert story.live["create"]["mixed"]["data"] == {"open": "seen", "hidden": WORD}


@pytest.mark.parametrize("step", ["create", "change", "refresh"])
def test_a_secret_is_nowhere_in_the_state_as_plain_text(story, step):
    assert WORD not in story.texts[step]
    assert CODED not in story.texts[step]


@pytest.mark.parametrize("step", ["create", "preview", "change", "refresh"])
def test_a_secret_is_in_no_output_of_the_engine(story, step):
    assert WORD not in story.outcomes[step].output
    assert CODED not in story.outcomes[step].output
