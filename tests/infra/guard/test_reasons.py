from __future__ import annotations

import pytest

from infra.observed import ReasonKind
from infra.observed.reasons import of_deployment, of_events, of_pod


def pod(*containers, phase="Running", conditions=()):
    return {"status": {"phase": phase, "conditions": list(conditions), "containerStatuses": list(containers)}}


def container(**fields):
    return {"name": "model", "image": "iris", "ready": False, "restartCount": 0, **fields}


def waiting(reason, message="", **fields):
    return container(state={"waiting": {"reason": reason, "message": message}}, **fields)


READY = {"type": "Ready", "status": "True"}
ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


def test_a_ready_pod_has_no_reason():
    assert of_pod(pod(waiting("CrashLoopBackOff"), conditions=[READY])) == ()


@pytest.mark.parametrize(
    ("given", "kind", "count", "said"),
    [
        (pod(waiting("ErrImagePull", "not found")), ReasonKind.IMAGE, 1, "ErrImagePull: not found"),
        (pod(waiting("ImagePullBackOff", "Back-off")), ReasonKind.IMAGE, 2, "ImagePullBackOff: Back-off"),
        (pod(waiting("InvalidImageName", "bad")), ReasonKind.IMAGE, 2, "InvalidImageName: bad"),
        (
            pod(waiting("CrashLoopBackOff", "40s", restartCount=4, lastState=ENDED)),
            ReasonKind.CRASH,
            4,
            "container model CrashLoopBackOff (exit code 137, OOMKilled), 4 restarts",
        ),
        (pod(container(state=ENDED, restartCount=1)), ReasonKind.CRASH, 1, "container model ended"),
        (
            pod(waiting("CreateContainerConfigError", 'secret "k" not found')),
            ReasonKind.CRASH,
            0,
            'secret "k" not found',
        ),
        (pod(container(state={"running": {}})), ReasonKind.PROBE, 0, "readiness probe does not pass"),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}], phase="Pending"),
            ReasonKind.UNSCHEDULABLE,
            0,
            "0/1 nodes",
        ),
        (pod(phase="Failed"), ReasonKind.CRASH, 0, "failed: no message"),
        (pod(waiting("ContainerCreating"), phase="Pending"), ReasonKind.STARTING, 0, "phase Pending"),
        ({}, ReasonKind.STARTING, 0, "phase unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_pod_s_state_is_told_in_the_kubelet_s_words(given, kind, count, said):
    (reason,) = of_pod(given)
    assert (reason.kind, reason.count) == (kind, count)
    assert said in reason.text


def test_an_init_container_that_crashes_is_told():
    status = {"initContainerStatuses": [waiting("CrashLoopBackOff", restartCount=2, lastState=ENDED)]}
    (reason,) = of_pod({"status": {**status, "containerStatuses": [waiting("PodInitializing")]}})
    assert reason.kind is ReasonKind.CRASH


def test_a_quota_is_told_by_the_deployment():
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded\n  quota"}
    other = {"type": "Available", "status": "False", "message": "too few"}
    (reason,) = of_deployment({"status": {"conditions": [other, failure]}})
    assert (reason.kind, reason.text) == (ReasonKind.QUOTA, "exceeded quota")


def event(name, reason, message, when, kind="Warning"):
    return {
        "type": kind,
        "reason": reason,
        "message": message,
        "lastTimestamp": when,
        "involvedObject": {"name": name},
    }


def test_warnings_about_the_named_are_told_newest_first_and_once():
    events = [
        event("a", "Unhealthy", "probe 503", "2026-03-01T10:00:00Z"),
        event("a", "FailedScheduling", "no node", "2026-03-01T11:00:00Z"),
        event("a", "Unhealthy", "probe 503", "2026-03-01T09:00:00Z"),
        event("a", "Pulled", "fine", "2026-03-01T12:00:00Z", kind="Normal"),
        event("b", "Unhealthy", "another's", "2026-03-01T12:00:00Z"),
        event("a", "Failed", "Failed to pull image", "2026-03-01T08:00:00Z"),
    ]
    found = [(reason.kind, reason.text) for reason in of_events(events, ["a"])]
    assert found == [
        (ReasonKind.UNSCHEDULABLE, "no node"),
        (ReasonKind.PROBE, "probe 503"),
        (ReasonKind.IMAGE, "Failed to pull image"),
    ]


def test_a_long_message_is_cut_to_one_line():
    (reason,) = of_pod(pod(waiting("ErrImagePull", "x\n" * 1000)))
    assert len(reason.text) == 300
    assert "\n" not in reason.text
