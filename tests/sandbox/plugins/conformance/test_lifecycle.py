"""An object's life: created, left alone, updated, replaced, deleted; told once as a story, asserted in sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
from importlib.metadata import version
metadata = {"namespace": NAMESPACE}
labels = {"app": "iris"}

def pod(image, labels):
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": image}]}}

k8s.core.v1.ConfigMap("autonamed", metadata=metadata, data={"threshold": "THRESHOLD"})
k8s.core.v1.ConfigMap("named", metadata=metadata | {"name": "MAP"}, data={"a": "1"})
# The generic resource, as the platform's own components use it.
pulumi.CustomResource(
    "kubernetes:core/v1:ConfigMap",
    "no-namespace",
    {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}},
    pulumi.ResourceOptions(version=version("pulumi-kubernetes")),
)
k8s.core.v1.Service("kept", metadata=metadata | {"name": "iris"}, spec={"selector": labels, "ports": [{"port": 80}]})
k8s.apps.v1.Deployment(
    "updated",
    metadata=metadata | {"name": "iris"},
    spec={"replicas": 2, "selector": {"matchLabels": labels}, "template": pod("iris:IMAGE", labels)},
)
other = {"app": "OTHER"}
k8s.apps.v1.Deployment(
    "replaced",
    metadata=metadata | {"name": "churn"},
    spec={"selector": {"matchLabels": other}, "template": pod("churn:1", other)},
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)
k8s.batch.v1.Job(
    "job",
    metadata=metadata | {"name": "train"},
    spec={"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "train", "image": "train:1"}]}}},
)
"""

FIRST = {"THRESHOLD": "0.5", "MAP": "settings", "IMAGE": "1", "OTHER": "churn"}
SECOND = {"THRESHOLD": "0.7", "MAP": "settings-2", "IMAGE": "2", "OTHER": "churn-2"}
OBJECTS = 7


def words(values: dict[str, str]) -> str:
    text = PROGRAM
    for name, value in values.items():
        text = text.replace(name, value)
    return text


@dataclass
class Story:
    """What each step said, and what was in the cluster after it."""

    outcomes: dict[str, Any]
    live: dict[str, dict[str, Any]]
    states: dict[str, dict[str, Any]]


def look(stack) -> dict[str, Any]:
    """Return the objects of the story by kind and name."""
    found = {}
    for kind, path in [
        ("ConfigMap", f"{stack.home}/configmaps"),
        ("Service", f"{stack.home}/services"),
        ("Deployment", f"{stack.apps}/deployments"),
        ("Job", f"/apis/batch/v1/namespaces/{stack.namespace}/jobs"),
    ]:
        for item in stack.cluster.get(path)["items"]:
            if item["metadata"]["name"] != "kube-root-ca.crt":
                found[f"{kind}/{item['metadata']['name']}"] = item
    return found


@pytest.fixture(scope="module")
def story(new_stack: Callable) -> Story:
    stack = new_stack("life")
    told = Story({}, {}, {})
    stack.program(words(FIRST))
    told.outcomes["first preview"] = stack.preview()
    told.live["first preview"] = look(stack)
    for step, values in [("create", FIRST), ("again", FIRST), ("change", SECOND)]:
        stack.program(words(values))
        if step == "change":
            told.outcomes["change preview"] = stack.preview()
        told.outcomes[step] = stack.up()
        told.live[step] = look(stack)
        told.states[step] = stack.resources()
    told.outcomes["destroy"] = stack.destroy()
    told.live["destroy"] = look(stack)
    return told


def uid(story: Story, step: str, name: str) -> str:
    return story.live[step][name]["metadata"]["uid"]


def autonamed(story: Story, step: str) -> dict[str, Any]:
    return next(each for name, each in story.live[step].items() if name.startswith("ConfigMap/autonamed"))


def test_a_preview_counts_what_will_be_created_and_creates_nothing(story):
    assert story.outcomes["first preview"].changes == {"create": OBJECTS + 1}
    assert story.live["first preview"] == {}


def test_everything_declared_is_created_in_the_cluster(story):
    assert story.outcomes["create"].changes == {"create": OBJECTS + 1}
    assert set(story.live["create"]) >= {
        "ConfigMap/settings",
        "Service/iris",
        "Deployment/iris",
        "Deployment/churn",
        "Job/train",
    }


def test_an_unnamed_object_gets_its_programs_name_and_eight_random_digits(story):
    found = autonamed(story, "create")
    assert re.fullmatch(r"autonamed-[0-9a-f]{8}", found["metadata"]["name"])
    assert found["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"


def test_an_object_without_a_namespace_goes_to_namespace_default(story):
    state = story.states["create"]["no-namespace"]
    assert state["outputs"]["metadata"]["namespace"] == "default"
    assert state["id"].startswith("default/no-namespace-")


def test_ids_are_namespace_and_name(story):
    entry = story.states["create"]["updated"]
    assert entry["id"] == f"{entry['outputs']['metadata']['namespace']}/iris"


def test_an_up_waits_until_deployments_are_ready_and_jobs_complete(story):
    live = story.states["create"]
    assert live["updated"]["outputs"]["status"]["availableReplicas"] == 2
    assert any(each["type"] == "Complete" for each in live["job"]["outputs"]["status"]["conditions"])


def test_outputs_hold_the_live_object_with_the_fields_that_the_server_filled_in(story):
    service = story.states["create"]["kept"]["outputs"]
    assert service["spec"]["clusterIP"]
    assert service["metadata"]["uid"] == uid(story, "create", "Service/iris")


def test_each_object_has_a_field_manager_of_its_own(story):
    managers = {
        entry["manager"]
        for name in ("Deployment/iris", "Service/iris")
        for entry in story.live["create"][name]["metadata"]["managedFields"]
        if entry["operation"] == "Apply"
    }
    assert len(managers) == 2
    assert all(manager.startswith("pulumi-kubernetes-") for manager in managers)


def test_a_second_up_changes_nothing(story):
    assert story.outcomes["again"].changes == {"unchanged": OBJECTS + 1}
    before, after = story.live["create"], story.live["again"]
    versions = {
        name: each["metadata"]["generation"] for name, each in before.items() if "generation" in each["metadata"]
    }
    assert {name: after[name]["metadata"]["generation"] for name in versions} == versions


def test_a_preview_shows_the_value_that_was_and_the_value_that_will_be(story):
    output = story.outcomes["change preview"].output
    assert re.search(r'threshold: "0.5" => "0.7"', output)
    assert re.search(r'image: "iris:1" => "iris:2"', output)
    assert story.outcomes["change preview"].changes == story.outcomes["change"].changes


def test_a_changed_field_is_updated_in_place(story):
    assert story.outcomes["change"].changes == {"update": 1, "replace": 3, "unchanged": OBJECTS + 1 - 4}
    assert uid(story, "create", "Deployment/iris") == uid(story, "change", "Deployment/iris")
    template = story.live["change"]["Deployment/iris"]["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "iris:2"


def test_changed_data_of_an_autonamed_config_map_comes_under_a_new_name_so_that_pods_notice(story):
    before, after = autonamed(story, "create")["metadata"], autonamed(story, "change")["metadata"]
    assert autonamed(story, "change")["data"] == {"threshold": "0.7"}
    assert re.fullmatch(r"autonamed-[0-9a-f]{8}", after["name"])
    assert after["name"] != before["name"]
    assert f"ConfigMap/{before['name']}" not in story.live["change"]


def test_an_object_under_another_name_replaces_the_former(story):
    assert "ConfigMap/settings" not in story.live["change"]
    assert story.live["change"]["ConfigMap/settings-2"]["data"] == {"a": "1"}


def test_a_changed_immutable_selector_replaces_the_deployment(story):
    assert uid(story, "create", "Deployment/churn") != uid(story, "change", "Deployment/churn")
    selector = story.live["change"]["Deployment/churn"]["spec"]["selector"]
    assert selector == {"matchLabels": {"app": "churn-2"}}


def test_a_destroy_deletes_everything_and_nothing_else(story):
    assert story.outcomes["destroy"].changes == {"delete": OBJECTS + 1}
    assert story.live["destroy"] == {}
