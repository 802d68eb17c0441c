"""What somebody did by hand: found by a refresh, put back by the next up; and what is taken over from others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

PROGRAM = """
def config_map(name, **metadata):
    k8s.core.v1.ConfigMap(
        name, metadata={"namespace": NAMESPACE, "name": name, "labels": {"a": "1", "b": "2"}} | metadata
    )

config_map("removed")
config_map("changed", annotations={"pulumi.com/patchForce": "true"})
config_map("deleted")
config_map("added")
found = k8s.core.v1.ConfigMap.get("found", NAMESPACE + "/theirs")
pulumi.export("found", found.data["a"])
"""

IMPORTED = 'k8s.core.v1.ConfigMap("old", metadata={"namespace": NAMESPACE, "name": "old"}, data={"a": "1"})\n'


@pytest.fixture(scope="module")
def story(new_stack) -> SimpleNamespace:
    """Four objects are changed by hand, each otherwise; two more are there before us, to be read and imported."""
    stack = new_stack("drift")
    maps = f"{stack.home}/configmaps"
    told = SimpleNamespace(outcomes={}, live={}, states={})

    def record(step: str, outcome) -> None:
        told.outcomes[step] = outcome
        told.live[step] = {item["metadata"]["name"]: item for item in stack.cluster.get(maps)["items"]}
        told.states[step] = stack.resources()

    for name in ("theirs", "old"):
        theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
        stack.cluster.apply(theirs, maps)
    stack.program(PROGRAM)
    record("create", stack.up())
    stack.cluster.edit(f"{maps}/removed", {"metadata": {"labels": {"b": None}}})
    stack.cluster.edit(f"{maps}/changed", {"metadata": {"labels": {"a": "7"}}})
    stack.cluster.edit(f"{maps}/added", {"metadata": {"labels": {"found": "by-an-operator"}}})
    stack.cluster.delete(f"{maps}/deleted")
    record("refresh", stack.run("refresh", "--yes", "--diff", "--skip-preview"))
    told.outcomes["preview"] = stack.preview()
    record("up", stack.up())
    record("settled", stack.run("refresh", "--yes", "--skip-preview"))
    token, flags = "kubernetes:core/v1:ConfigMap", ["--generate-code=false", "--yes", "--skip-preview"]
    missing = stack.run("import", token, "none", f"{stack.namespace}/none", *flags, succeeds=False)
    record("missing", missing)
    where = f"{stack.namespace}/old"
    record("import", stack.run("import", token, "old", where, "--protect=false", *flags))
    stack.program(PROGRAM + IMPORTED)
    record("declared", stack.up())
    record("destroy", stack.destroy())
    told.namespace = stack.namespace
    return told


def labels(story, step: str, name: str) -> dict[str, str]:
    return story.live[step][name]["metadata"]["labels"]


def test_a_refresh_finds_what_was_changed_and_what_is_gone(story):
    changes = story.outcomes["refresh"].changes
    assert changes["update"] >= 2
    assert changes["delete"] == 1
    assert story.states["refresh"]["removed"]["outputs"]["metadata"]["labels"] == {"a": "1"}
    assert story.states["refresh"]["changed"]["outputs"]["metadata"]["labels"] == {"a": "7", "b": "2"}
    assert "deleted" not in story.states["refresh"]


def test_a_preview_shows_the_drift_before_it_is_put_back(story):
    output = story.outcomes["preview"].output
    assert '"7" => "1"' in output
    assert 'b: "2"' in output
    assert story.outcomes["preview"].changes == story.outcomes["up"].changes


def test_a_field_removed_by_hand_is_put_back(story):
    assert labels(story, "refresh", "removed") == {"a": "1"}
    assert labels(story, "up", "removed") == {"a": "1", "b": "2"}


def test_a_value_changed_by_hand_is_put_back_when_the_program_takes_the_field_again(story):
    assert labels(story, "refresh", "changed") == {"a": "7", "b": "2"}
    assert labels(story, "up", "changed") == {"a": "1", "b": "2"}


def test_an_object_deleted_by_hand_is_made_again(story):
    assert labels(story, "up", "deleted") == {"a": "1", "b": "2"}
    assert story.outcomes["up"].changes["create"] == 1


def test_fields_that_others_add_are_no_drift(story):
    assert story.outcomes["up"].changes["update"] == 2
    assert labels(story, "up", "added") == {"a": "1", "b": "2", "found": "by-an-operator"}


def test_a_refresh_after_that_finds_nothing(story):
    assert set(story.outcomes["settled"].changes) == {"unchanged"}


def test_an_imported_object_is_in_the_state_under_its_id(story):
    assert story.states["import"]["old"]["id"] == f"{story.namespace}/old"
    assert story.states["import"]["old"]["inputs"]["data"] == {"a": "1"}


def test_an_imported_object_is_kept_when_the_program_declares_it(story):
    changes = story.outcomes["declared"].changes
    assert set(changes) <= {"update", "unchanged"}
    before, after = story.live["create"]["old"], story.live["declared"]["old"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] == {"a": "1"}


def test_an_import_of_what_does_not_exist_fails_and_says_so(story):
    assert "does not exist" in story.outcomes["missing"].output
    assert "none" not in story.states["missing"]


def test_an_existing_object_is_read_by_its_id_and_never_deleted(story):
    assert story.states["create"]["found"]["outputs"]["data"] == {"a": "1"}
    assert "theirs" in story.live["destroy"]
    assert "old" not in story.live["destroy"]
