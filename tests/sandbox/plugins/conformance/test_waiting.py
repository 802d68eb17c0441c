"""Waiting for readiness and for deletion, seen from the engine."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

# `SELECTOR` is a node selector that no node matches at first, `TIMEOUT` the seconds that the annotation gives.
PROGRAM = """
def deployment(name, annotations, selector, **options):
    labels = {"app": name}
    k8s.apps.v1.Deployment(
        name,
        metadata={"namespace": NAMESPACE, "name": name, "annotations": annotations},
        spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "nodeSelector": selector, "containers": [{"name": "server", "image": "iris:1"}]}}},
        opts=pulumi.ResourceOptions(**options),
    )

timeout = {"pulumi.com/timeoutSeconds": "TIMEOUT"}
deployment("annotated", timeout, SELECTOR)
deployment("customised", {}, SELECTOR, custom_timeouts=pulumi.CustomTimeouts(create="CUSTOM", update="CUSTOM"))
deployment("skipped", {"pulumi.com/skipAwait": "true"}, {"no-node": "has-this"})
deployment("orphaned", {"pulumi.com/deletionPropagationPolicy": "orphan"}, {})
k8s.core.v1.Service(
    "service", metadata={"namespace": NAMESPACE, "name": "service", "annotations": timeout},
    spec={"selector": {"app": "SELECTED"}, "ports": [{"port": 80}]},
)
k8s.core.v1.ConfigMap(
    "held",
    metadata={"namespace": NAMESPACE, "name": "held", "annotations": {"pulumi.com/timeoutSeconds": "3"}},
)
"""

FIRST = {"SELECTOR": '{"no-node": "has-this"}', "TIMEOUT": "3", "CUSTOM": "4s", "SELECTED": "nobody"}
SECOND = {"SELECTOR": "{}", "TIMEOUT": "120", "CUSTOM": "2m", "SELECTED": "orphaned"}
LATE = ("annotated", "customised", "service")
OBJECTS = 6


def words(values: dict[str, str]) -> str:
    text = PROGRAM
    for name, value in values.items():
        text = text.replace(name, value)
    return text


@pytest.fixture(scope="module")
def story(new_stack) -> SimpleNamespace:
    """Three objects are not ready in time, one is not waited for; then a finalizer holds a deletion."""
    stack = new_stack("waiting")
    told = SimpleNamespace(outcomes={}, live={}, states={}, seconds={})

    def record(step: str, *, succeeds: bool = True) -> None:
        began = time.monotonic()
        destroys = step.startswith("destroy")
        command = "destroy" if destroys else "up"
        flags = ["--yes", "--skip-preview", "--continue-on-error"]
        told.outcomes[step] = stack.run(command, *flags, succeeds=succeeds)
        told.seconds[step] = time.monotonic() - began
        deployments = stack.cluster.get(f"{stack.apps}/deployments")["items"]
        told.live[step] = {item["metadata"]["name"]: item for item in deployments}
        told.states[step] = stack.resources()

    stack.program(words(FIRST))
    record("late", succeeds=False)
    record("late again", succeeds=False)
    stack.program(words(SECOND))
    record("finished")
    record("settled")
    held = f"{stack.home}/configmaps/held"
    stack.cluster.edit(held, {"metadata": {"finalizers": ["example.com/keep"]}})
    record("destroy held", succeeds=False)
    told.held = stack.cluster.get(held)
    stack.cluster.edit(held, {"metadata": {"finalizers": None}})
    record("destroy")
    told.left = stack.cluster.get(held)
    told.replica_sets = [item["metadata"]["name"] for item in stack.cluster.get(f"{stack.apps}/replicasets")["items"]]
    return told


@pytest.mark.parametrize("name", LATE)
def test_an_object_that_is_not_ready_in_time_is_kept_in_the_state_with_the_reason(story, name):
    assert story.states["late"][name]["initErrors"]
    assert story.states["late"][name]["outputs"]["metadata"]["uid"]


def test_the_schedulers_reason_is_told(story):
    assert "nodes are available" in story.outcomes["late"].output


def test_an_unfinished_object_is_not_taken_for_a_finished_one_by_an_unchanged_program(story):
    assert all(story.states["late again"][name]["initErrors"] for name in LATE)


@pytest.mark.parametrize("name", LATE)
def test_an_unfinished_object_is_finished_by_the_next_up(story, name):
    assert not story.states["finished"][name].get("initErrors")
    before, after = (story.states[step][name]["outputs"]["metadata"]["uid"] for step in ("late", "finished"))
    assert before == after


def test_a_deployment_is_ready_when_its_up_has_ended(story):
    assert story.live["finished"]["annotated"]["status"]["availableReplicas"] == 1
    assert story.outcomes["settled"].changes == {"unchanged": OBJECTS + 1}


def test_skip_await_takes_an_object_for_ready_when_it_is_accepted(story):
    assert not story.states["late"]["skipped"].get("initErrors")
    assert not story.live["late"]["skipped"]["status"].get("availableReplicas")


def test_a_deletion_that_a_finalizer_blocks_leaves_the_object_in_the_state(story):
    assert story.held["metadata"]["deletionTimestamp"]
    assert "held" in story.states["destroy held"]


def test_a_blocked_deletion_is_finished_by_the_next_destroy(story):
    assert story.left is None
    assert story.states["destroy"] == {}


def test_an_orphaning_deletion_leaves_the_replica_set(story):
    assert "orphaned" not in story.live["destroy"]
    assert [name.rpartition("-")[0] for name in story.replica_sets] == ["orphaned"]
