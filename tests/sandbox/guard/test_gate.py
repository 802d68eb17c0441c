"""The gate on the routing Service, against a real API server, real controllers and pods that kwok plays."""

from __future__ import annotations

import re

import pytest

from infra.guard import SwitchRefusedError


def refusal(call, *arguments, **options) -> str:
    with pytest.raises(SwitchRefusedError) as raised:
        call(*arguments, **options)
    return str(raised.value)


def test_a_slot_that_runs_enough_passes_at_once(flowers):
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("green", 2)
    flowers.pass_gate(size=2)


def test_a_slot_at_zero_is_woken_and_waited_for(flowers):
    flowers.deploy("green", replicas=0)
    flowers.route("blue")
    lines = flowers.pass_gate(size=3)
    assert lines[0] == "iris-green: waking, 0 → 3"
    assert len(flowers.pods("green")) == 3
    manager = next(
        entry["manager"]
        for entry in flowers.api.get(flowers.deployment("green"))["metadata"]["managedFields"]
        if entry.get("subresource") == "scale"
    )
    assert manager == "ml-platform-guard"


def test_a_small_slot_grows_first(flowers):
    flowers.deploy("green", replicas=1)
    flowers.route("blue")
    flowers.running("green", 1)
    flowers.pass_gate(size=4)
    assert len(flowers.pods("green")) == 4


def test_a_load_that_has_grown_since_the_run_began_is_grown_to(flowers):
    flowers.deploy("blue", replicas=5)
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("blue", 5)
    flowers.pass_gate(size=2)
    assert len(flowers.pods("green")) == 5


@pytest.mark.usefixtures("impatient")
def test_a_crash_looping_slot_is_refused_early_with_the_crash(flowers):
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("green", 2)
    flowers.fail("green", {"reason": "CrashLoopBackOff", "message": "back-off 40s"}, restarts=4)
    said = refusal(flowers.pass_gate)
    assert "no switch to green (version 2)" in said
    assert "0 of 2 pods of iris-green are ready" in said
    assert re.search(r"iris-green-\w+-\w+ and 1 more: container model CrashLoopBackOff \(exit code 1, Error", said)
    assert "no such file" in said
    assert "4 restarts" in said
    assert "Service iris stays on blue" in said
    assert flowers.selector()["ml-platform/slot"] == "blue"


@pytest.mark.usefixtures("impatient")
def test_a_slot_whose_image_does_not_exist_is_refused_early_with_the_pull(flowers):
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("green", 2)
    flowers.fail(
        "green", {"reason": "ImagePullBackOff", "message": f'Back-off pulling "{flowers.namespace}"'}, restarts=0
    )
    assert f'ImagePullBackOff: Back-off pulling "{flowers.namespace}"' in refusal(flowers.pass_gate)


@pytest.mark.usefixtures("impatient")
def test_a_quota_that_leaves_no_room_is_refused_with_what_is_exceeded(flowers):
    flowers.limit(pods="3")
    flowers.deploy("blue", replicas=2)
    flowers.running("blue", 2)
    flowers.deploy("green", replicas=0)
    flowers.route("blue")
    said = refusal(flowers.pass_gate, size=3)
    assert "1 of 3 pods of iris-green are ready" in said
    assert "exceeded quota: team, requested: pods=1, used: pods=3, limited: pods=3" in said


def test_a_slot_that_never_becomes_ready_is_refused_at_the_deadline(flowers):
    flowers.deploy("green", replicas=2, ready=False)
    flowers.route("blue")
    flowers.running("green", 2)
    said = refusal(flowers.pass_gate, deadline=2.0)
    assert "0 of 2 pods of iris-green are ready" in said
    assert "readiness probe does not pass" in said


def test_an_image_that_another_hand_changed_is_refused_at_once(flowers):
    flowers.deploy("green", replicas=2, image="registry.example.com/iris@sha256:" + "9" * 64)
    flowers.route("blue")
    flowers.running("green", 2)
    said = refusal(flowers.pass_gate)
    assert "sha256:9999" in said
    assert "another hand changed it" in said
    assert "pulumi refresh" in said


def test_a_deleted_deployment_is_refused_at_once(flowers):
    flowers.route("blue")
    said = refusal(flowers.pass_gate)
    assert "Deployment iris-green does not exist" in said
    assert "pulumi refresh" in said


def test_without_a_service_the_active_slot_alone_is_waited_for(flowers):
    flowers.deploy("blue", replicas=2)
    flowers.pass_gate(flowers.declared(active="blue"))
    assert len(flowers.pods("blue")) == 2


def test_a_refused_first_deployment_says_that_there_is_no_service(flowers):
    flowers.deploy("blue", replicas=2, ready=False)
    said = refusal(flowers.pass_gate, flowers.declared(active="blue"), deadline=1.0)
    assert "Service iris is not made" in said


def test_a_preview_refuses_a_crash_looping_slot_that_it_leaves_as_it_is(flowers):
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("green", 2)
    flowers.fail("green", {"reason": "CrashLoopBackOff"}, restarts=4)
    said = refusal(flowers.pass_gate, dry_run=True)
    assert "iris-green already is version 2 and does not run" in said


def test_a_preview_wakes_nothing_and_lets_a_cold_slot_pass(flowers):
    flowers.deploy("green", replicas=0)
    flowers.route("blue")
    assert flowers.pass_gate(size=3, dry_run=True) == []
    assert flowers.api.get(flowers.deployment("green"))["spec"]["replicas"] == 0
