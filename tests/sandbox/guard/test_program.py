"""The whole program with the real engine: what `pulumi preview` and `pulumi up` do about a switch."""

from __future__ import annotations

import json

import pytest

# Each command starts an engine, a program and a provider: seconds on a quiet machine, a multiple on a busy one.
pytestmark = pytest.mark.timeout(300)


def refused(stack, *reasons, preview):
    """Assert that preview (where it can know) and up refuse for these reasons and leave the Service alone."""
    before = stack.service()["metadata"]["resourceVersion"]
    said = [stack.run("preview", succeeds=False)] if preview else []
    said.append(stack.up(succeeds=False))
    for text in said:
        for reason in reasons:
            assert reason in text
    assert stack.service()["metadata"]["resourceVersion"] == before


def test_a_switch_grows_its_target_and_within_the_soak_another_up_changes_nothing(stack):
    stack.patch("deployments/iris-blue", {"spec": {"replicas": 4}}, "/apis/apps/v1")
    stack.patch("deployments/iris-green/scale", {"spec": {"replicas": 0}}, "/apis/apps/v1")
    stack.model["active"] = "green"
    stack.model["idle"]["soak"] = 600
    words = "iris: green 0 → 4 first, then 100 % to version 2: cold (no start of it is known); both slots keep at least"
    assert words in stack.run("preview")
    assert words in stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "green"
    assert stack.get("deployments/iris-green", "/apis/apps/v1")["status"]["readyReplicas"] == 4
    for slot in ("blue", "green"):
        scaler = stack.get(f"horizontalpodautoscalers/iris-{slot}", "/apis/autoscaling/v2")
        assert scaler["spec"]["minReplicas"] == 4
        assert scaler["metadata"]["annotations"]["ml-platform/hold"].startswith("4 until ")
    stack.up("--expect-no-changes")


def test_a_switch_together_with_a_change_of_the_serving_slot_is_refused(stack):
    stack.model["active"] = "green"
    stack.model["drain"] = "20s"
    template = stack.get("deployments/iris-blue", "/apis/apps/v1")["spec"]["template"]
    refused(stack, "slot blue, which serves now, would change", "add a version instead", preview=True)
    assert stack.get("deployments/iris-blue", "/apis/apps/v1")["spec"]["template"] == template


def test_a_version_that_has_served_is_never_another(stack):
    ledger = json.loads(stack.run("stack", "output", "models", "--json"))["iris"]["served"]
    assert ledger.keys() == {"1"}
    assert ledger["1"]["until"] is None
    stack.model["versions"]["1"]["env"] = {"THRESHOLD": "0.9"}
    said = f"version 1 has served since {ledger['1']['since']} with another configuration"
    refused(stack, said, "leave models.iris.versions.1 as it was and add a version instead", preview=True)
    again = json.loads(stack.run("stack", "output", "models", "--json"))["iris"]["served"]
    assert again == ledger, "a run that is refused forgets no output"


@pytest.mark.usefixtures("impatient")
def test_a_switch_to_a_crash_looping_slot_is_refused(stack):
    stack.crash("green")
    stack.model["active"] = "green"
    refused(stack, "iris", "CrashLoopBackOff (exit code 2, Error), 5 restarts", preview=True)


def test_a_hand_changed_image_is_refused(stack):
    container = {"name": "model", "image": f"r.example.com/iris@sha256:{'9' * 64}"}
    deployment = stack.get("deployments/iris-green", "/apis/apps/v1")
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"] = [{**spec["containers"][0], **container}]
    stack.patch("deployments/iris-green", {"spec": {"template": {"spec": spec}}}, "/apis/apps/v1")
    stack.model["active"] = "green"
    refused(stack, "iris-green runs image", "9" * 64, "pulumi refresh", preview=True)


def test_a_selector_that_another_hand_changed_fails_the_up_and_refresh_mends_it(stack):
    stack.patch("services/iris", {"spec": {"selector": {"ml-platform/slot": "green"}}})
    said = stack.up(succeeds=False)
    assert "another hand changed it. Run `pulumi refresh`, then `pulumi up` again" in said
    stack.run("refresh", "--yes", "--skip-preview")
    stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "blue"
