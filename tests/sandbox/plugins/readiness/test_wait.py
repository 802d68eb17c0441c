"""Waiting: what it costs, what it tells, and how it ends."""

from __future__ import annotations

import threading
import time

import pytest

from sandbox.plugins.kubernetes.readiness import (
    NotReadyError,
    WaitCancelledError,
    WaitTimedOutError,
    await_deleted,
    await_ready,
)


def deployment(**status) -> dict:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris", "namespace": "fraud", "uid": "u1", "generation": 1},
        "spec": {"replicas": 1},
        "status": status,
    }


def ready_deployment() -> dict:
    return deployment(observedGeneration=1, replicas=1, updatedReplicas=1, availableReplicas=1)


LATE = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "has timed out progressing.",
}


def test_what_is_ready_in_the_servers_answer_costs_no_request(recorded, never):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "status": {"phase": "Active"}}
    assert await_ready(recorded, namespace, timeout=1, status=lambda _: None, cancelled=never) is namespace
    assert recorded.reads == 0


def test_the_live_object_is_returned_once_it_is_ready(recorded, never):
    lines: list[str] = []
    recorded.objects.append(ready_deployment())
    live = await_ready(recorded, deployment(), timeout=5, status=lines.append, cancelled=never)
    assert live["status"]["availableReplicas"] == 1
    assert lines == [
        "[1/2] Waiting for the controller to see the change of Deployment iris",
        "Deployment iris is ready",
    ]


def test_a_line_that_did_not_change_is_told_once(recorded, never):
    lines: list[str] = []
    recorded.objects.append(deployment())
    with pytest.raises(WaitTimedOutError) as failure:
        await_ready(recorded, deployment(), timeout=0.8, status=lines.append, cancelled=never)
    assert len(lines) == 1
    assert "did not become ready within 0.8 s" in failure.value.reasons[0]
    assert failure.value.obj["metadata"]["name"] == "iris"


def test_a_cancel_is_heard_within_two_tenths_of_a_second(recorded):
    cancelled = threading.Event()
    recorded.objects.append(deployment())
    threading.Timer(1.2, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(WaitCancelledError):
        await_ready(recorded, deployment(), timeout=30, status=lambda _: None, cancelled=cancelled)
    assert time.monotonic() - started < 1.4


def test_a_failure_that_waiting_cannot_cure_is_told_at_once(recorded, never):
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "train", "namespace": "fraud", "uid": "j1"},
        "status": {
            "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "late"}]
        },
    }
    with pytest.raises(NotReadyError, match="DeadlineExceeded: late"):
        await_ready(recorded, job, timeout=30, status=lambda _: None, cancelled=never)


def test_a_progress_deadline_that_lasts_is_a_failure(recorded, never, monkeypatch):
    monkeypatch.setattr("sandbox.plugins.kubernetes.readiness.wait.SETTLING", 0.3)
    recorded.objects.append(deployment(observedGeneration=1, conditions=[LATE]))
    with pytest.raises(NotReadyError, match="has timed out progressing") as failure:
        await_ready(recorded, deployment(), timeout=30, status=lambda _: None, cancelled=never)
    assert not isinstance(failure.value, WaitTimedOutError)


def test_a_progress_deadline_left_over_from_a_former_rollout_is_outlived(recorded, never):
    recorded.objects.append(deployment(observedGeneration=1, conditions=[LATE]))

    def heal() -> None:
        recorded.objects[:] = [ready_deployment()]

    threading.Timer(0.5, heal).start()
    assert await_ready(recorded, deployment(), timeout=30, status=lambda _: None, cancelled=never)


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(recorded, never):
    lines: list[str] = []
    recorded.objects.append(ready_deployment())
    recorded.outages = 2
    await_ready(recorded, deployment(), timeout=5, status=lines.append, cancelled=never)
    assert "Waiting for the API server to answer: connection refused" in lines


def test_an_object_that_someone_deletes_meanwhile_is_reported_as_gone(recorded, never):
    with pytest.raises(NotReadyError, match="was deleted by someone else"):
        await_ready(recorded, deployment(), timeout=5, status=lambda _: None, cancelled=never)


def test_an_object_on_its_way_out_is_not_waited_for(recorded, never):
    leaving = deployment()
    leaving["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}
    with pytest.raises(NotReadyError, match="is being deleted; finalizer foregroundDeletion holds it"):
        await_ready(recorded, leaving, timeout=5, status=lambda _: None, cancelled=never)


def test_a_deletion_names_the_finalizer_that_holds_it(recorded, never):
    lines: list[str] = []
    held = deployment()
    held["metadata"]["finalizers"] = ["example.com/keep"]
    recorded.objects.append(held)
    with pytest.raises(WaitTimedOutError) as failure:
        await_deleted(recorded, held, timeout=0.3, status=lines.append, cancelled=never)
    assert lines == ["[1/1] Waiting for Deployment iris to be deleted; finalizer example.com/keep holds it"]
    assert failure.value.reasons == [
        "Deployment iris was not deleted within 0.3 s",
        "finalizer example.com/keep holds it",
    ]


def test_another_object_of_the_same_name_counts_as_gone(recorded, never):
    recorded.objects.append(ready_deployment() | {"metadata": {"name": "iris", "namespace": "fraud", "uid": "u2"}})
    await_deleted(recorded, deployment(), timeout=5, status=lambda _: None, cancelled=never)
    assert recorded.reads == 1
