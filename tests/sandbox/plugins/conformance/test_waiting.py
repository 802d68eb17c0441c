"""Waiting for readiness and for deletion, seen from the engine."""

from __future__ import annotations

import time

DEPLOYMENT = """
labels = {"app": "iris"}
k8s.apps.v1.Deployment(
    "iris",
    metadata={"namespace": NAMESPACE, "name": "iris", "annotations": ANNOTATIONS},
    spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
        "nodeSelector": SELECTOR, "containers": [{"name": "server", "image": "iris:1"}]}}},
    opts=pulumi.ResourceOptions(OPTIONS),
)
"""

NOWHERE = '{"no-node": "has-this"}'


def deployment(*, annotations: str = "{}", selector: str = NOWHERE, options: str = "") -> str:
    text = DEPLOYMENT.replace("ANNOTATIONS", annotations).replace("SELECTOR", selector)
    return text.replace("OPTIONS", options)


def test_an_object_that_is_not_ready_in_time_is_kept_in_the_state_and_finished_by_the_next_up(stack):
    stack.program(deployment(annotations='{"pulumi.com/timeoutSeconds": "4"}'))
    began = time.monotonic()
    failure = stack.up(succeeds=False)
    assert time.monotonic() - began < 30
    assert "iris" in failure.output
    entry = stack.resources()["iris"]
    assert entry["initErrors"]
    uid = stack.cluster.get(f"{stack.apps}/deployments/iris")["metadata"]["uid"]
    # An unchanged program is not taken for a finished one: what was not ready is waited for again.
    assert stack.up(succeeds=False).output
    stack.program(deployment(annotations='{"pulumi.com/timeoutSeconds": "60"}', selector="{}"))
    assert stack.up().changes == {"update": 1, "unchanged": 1}
    live = stack.cluster.get(f"{stack.apps}/deployments/iris")
    assert (live["metadata"]["uid"], live["status"]["availableReplicas"]) == (uid, 1)
    assert not stack.resources()["iris"].get("initErrors")
    assert stack.up().changes == {"unchanged": 2}


def test_a_custom_timeout_ends_the_wait_and_the_reason_is_told(stack):
    options = 'custom_timeouts=pulumi.CustomTimeouts(create="5s")'
    stack.program(deployment(options=options))
    said = stack.up(succeeds=False).output
    assert "node" in said
    assert "nodes are available" in said


def test_skip_await_takes_an_object_for_ready_when_it_is_accepted(stack):
    stack.program(deployment(annotations='{"pulumi.com/skipAwait": "true"}'))
    began = time.monotonic()
    assert stack.up().changes == {"create": 2}
    assert time.monotonic() - began < 30
    assert not stack.cluster.get(f"{stack.apps}/deployments/iris")["status"].get("availableReplicas")


def test_a_service_without_a_pod_behind_it_is_not_ready(stack):
    stack.program(
        """
        soon = {"pulumi.com/timeoutSeconds": "3"}
        k8s.core.v1.Service("iris", metadata={"namespace": NAMESPACE, "annotations": soon},
                            spec={"selector": {"app": "nobody"}, "ports": [{"port": 80}]})
        """
    )
    stack.up(succeeds=False)
    assert stack.resources()["iris"]["initErrors"]


def test_a_finalizer_that_blocks_a_deletion_is_named_and_the_object_stays_in_the_state(stack):
    path = f"{stack.home}/configmaps/held"
    stack.program(
        """
        k8s.core.v1.ConfigMap("held", metadata={"namespace": NAMESPACE, "name": "held",
                              "annotations": {"pulumi.com/timeoutSeconds": "3"}}, data={"a": "1"})
        """
    )
    stack.up()
    stack.cluster.edit(path, {"metadata": {"finalizers": ["example.com/keep"]}})
    stack.destroy(succeeds=False)
    assert "held" in stack.resources()
    stack.cluster.edit(path, {"metadata": {"finalizers": None}})
    stack.destroy()
    assert stack.cluster.get(path) is None
    assert stack.resources() == {}


def test_an_orphaning_deletion_leaves_the_pods(stack):
    stack.program(deployment(annotations='{"pulumi.com/deletionPropagationPolicy": "orphan"}', selector="{}"))
    stack.up()
    stack.destroy()
    assert stack.cluster.get(f"{stack.apps}/deployments/iris") is None
    assert len(stack.cluster.get(f"{stack.apps}/replicasets")["items"]) == 1
