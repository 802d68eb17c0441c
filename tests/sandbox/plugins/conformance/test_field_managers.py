"""Who owns a field: conflicts with others, and patches of objects that are not ours."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

PROGRAM = """
metadata = {"namespace": NAMESPACE}
taken = metadata | {"name": "taken", "labels": {"a": "VALUE"}, "annotations": {FORCE}}
k8s.core.v1.ConfigMap("taken", metadata=taken)
k8s.core.v1.ConfigMap(
    "there",
    metadata=metadata | {"name": "there", "labels": {"a": "1"}},
    opts=pulumi.ResourceOptions(provider=ADOPTING),
)
k8s.core.v1.ConfigMapPatch(
    "patch", metadata=metadata | {"name": "shared", "labels": {"ml-platform/team": "fraud"}}, data={"a": "1"}
)
k8s.apps.v1.Deployment(
    "scaled",
    metadata=metadata | {"name": "scaled"},
    spec={"selector": {"matchLabels": {"app": "scaled"}}, "template": {
        "metadata": {"labels": {"app": "scaled"}},
        "spec": {"containers": [{"name": "server", "image": "iris:IMAGE"}]}}},
)
"""

FIRST = {"VALUE": "1", "FORCE": "", "ADOPTING": "None", "IMAGE": "1"}
UPSERT = 'k8s.Provider("adopting", upsert_existing_objects=True)'
SECOND = FIRST | {"VALUE": "3", "ADOPTING": UPSERT}
THIRD = SECOND | {"FORCE": '"pulumi.com/patchForce": "true"', "IMAGE": "2"}


def words(values: dict[str, str]) -> str:
    text = PROGRAM
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def config_map(name: str, *, labels: dict[str, str] | None = None, data: dict[str, str] | None = None) -> dict:
    # An empty mapping would be a field as well, and a conflict.
    metadata = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata} | ({"data": data} if data else {})


@pytest.fixture(scope="module")
def story(new_stack) -> SimpleNamespace:
    """Two objects are there before us; a third is changed by somebody else; a Deployment is scaled."""
    stack = new_stack("owners")
    maps = f"{stack.home}/configmaps"
    told = SimpleNamespace(outcomes={}, live={})

    def record(step: str, outcome) -> None:
        told.outcomes[step] = outcome
        found = {item["metadata"]["name"]: item for item in stack.cluster.get(maps)["items"]}
        told.live[step] = found | {"scaled": stack.cluster.get(f"{stack.apps}/deployments/scaled")}

    told.before = stack.cluster.apply(config_map("shared", data={"b": "2"}), maps)
    stack.cluster.apply(config_map("there", data={"b": "2"}), maps)
    stack.program(words(FIRST))
    record("create", stack.up("--continue-on-error", succeeds=False))
    stack.cluster.apply(config_map("taken", labels={"a": "2"}), maps, manager="somebody-else")
    scale = f"{stack.apps}/deployments/scaled/scale"
    stack.cluster.edit(scale, {"spec": {"replicas": 3}}, manager="kube-controller-manager")
    stack.program(words(SECOND))
    record("conflict", stack.up("--continue-on-error", succeeds=False))
    stack.program(words(THIRD))
    record("force", stack.up())
    record("again", stack.up())
    record("destroy", stack.destroy())
    return told


def labels(story, step: str, name: str) -> dict[str, str]:
    return story.live[step][name]["metadata"].get("labels", {})


def test_a_field_that_another_manager_took_is_a_conflict_that_names_it_and_changes_nothing(story):
    said = story.outcomes["conflict"].output
    assert "somebody-else" in said
    assert ".metadata.labels.a" in said
    assert labels(story, "conflict", "taken") == {"a": "2"}


def test_a_forced_patch_takes_the_field_back(story):
    assert labels(story, "force", "taken") == {"a": "3"}


def test_an_object_that_is_there_already_is_refused_on_create(story):
    assert "already exists" in story.outcomes["create"].output
    assert labels(story, "create", "there") == {}


def test_an_object_that_is_there_already_is_adopted_by_a_provider_that_may(story):
    adopted = story.live["conflict"]["there"]
    assert adopted["data"] == {"b": "2"}
    assert labels(story, "conflict", "there") == {"a": "1"}


def test_a_patch_resource_changes_only_its_own_fields(story):
    patched = story.live["create"]["shared"]
    assert patched["data"] == {"a": "1", "b": "2"}
    assert labels(story, "create", "shared") == {"ml-platform/team": "fraud"}


def test_a_patch_resource_gives_its_fields_back_on_destroy_and_leaves_the_object(story):
    left = story.live["destroy"]["shared"]
    assert left["metadata"]["uid"] == story.before["metadata"]["uid"]
    assert left["data"] == {"b": "2"}
    assert labels(story, "destroy", "shared") == {}


def test_a_field_that_an_autoscaler_owns_and_the_program_leaves_out_is_left_alone(story):
    live = story.live["force"]["scaled"]
    assert live["spec"]["replicas"] == 3
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "iris:2"


def test_nothing_is_left_to_change_after_conflicts_are_settled(story):
    # The stack, the provider and four objects.
    assert story.outcomes["again"].changes == {"unchanged": 6}
