"""A slot that serves nobody and is to cost nothing: put to sleep once it has proved itself, woken when it is needed."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from infra.guard import Guard, SwitchRefusedError
from infra.guard.ledger import written
from infra.reach import Reach
from infra.settings.guard import Guard as GuardSettings

HOLD = "2 until 2026-03-01T12:07:00Z"


def finish(flowers, plane, now, **changes):
    """End an `up` as the program does."""
    guard = Guard.open(
        cluster=Reach(context="sandbox", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(),
        models={"iris": flowers.namespace},
        now=now,
    )
    model = flowers.declared(active="blue", idle="cold", **changes)
    return asyncio.run(guard.verify(model))


@pytest.fixture
def serving(flowers):
    """Blue serves, green stands beside it."""
    flowers.deploy("blue", replicas=2)
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("blue", 2)
    flowers.running("green", 2)
    flowers.eventually(lambda: flowers.api.get(flowers.deployment("green"))["status"].get("readyReplicas") == 2)
    return flowers


def green(flowers):
    return flowers.api.get(flowers.deployment("green"))


def test_a_cold_slot_that_runs_is_put_to_sleep_with_a_note_of_how_long_it_takes_to_come_back(serving, plane, now):
    healthy = finish(serving, plane, now)
    deployment = green(serving)
    assert deployment["spec"]["replicas"] == 0
    assert re.fullmatch(r"\d+ s as c-green", deployment["metadata"]["annotations"]["ml-platform/started"])
    assert healthy["green"] is not None
    serving.running("green", 0)
    assert serving.seen().slots["green"].started is not None
    assert serving.api.get(serving.deployment("blue"))["spec"]["replicas"] == 2


def test_a_slot_that_sleeps_is_left_asleep(serving, plane, now):
    finish(serving, plane, now)
    serving.running("green", 0)
    before = green(serving)["metadata"]["generation"]
    finish(serving, plane, now)
    assert green(serving)["metadata"]["generation"] == before


def test_an_up_within_the_soak_puts_nothing_to_sleep_and_the_first_after_it_does(serving, plane, now):
    path = serving.path("horizontalpodautoscalers", "/apis/autoscaling/v2")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-green"}
    metadata = {"name": "iris-green", "annotations": {"ml-platform/hold": HOLD}}
    body = {"spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 10}, "metadata": metadata}
    serving.create(path, {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", **body})
    finish(serving, plane, now)
    assert green(serving)["spec"]["replicas"] == 2
    finish(serving, plane, now + timedelta(minutes=7))
    assert green(serving)["spec"]["replicas"] == 0


def test_a_sleeping_slot_that_gets_another_version_proves_it_with_one_pod_and_sleeps_again(serving, plane, now):
    finish(serving, plane, now)
    serving.running("green", 0)
    slots = serving.declared().slots
    serving.patch(serving.deployment("green"), {"metadata": {"annotations": {"ml-platform/content": "c-new"}}})
    changed = type(slots["green"])(version="3", image=slots["green"].image, content="c-newer")
    finish(serving, plane, now, slots={**slots, "green": changed})
    assert green(serving)["spec"]["replicas"] == 0
    assert green(serving)["metadata"]["annotations"]["ml-platform/started"].endswith("s as c-new")


@pytest.mark.usefixtures("impatient")
def test_a_version_that_cannot_run_is_not_put_to_sleep_but_fails_the_up(serving, plane, now):
    serving.fail("green", {"reason": "CrashLoopBackOff", "message": "back-off 40s"}, restarts=4)
    with pytest.raises(SwitchRefusedError, match=r"version 2 does not come up in slot green: .*CrashLoopBackOff"):
        finish(serving, plane, now)
    assert green(serving)["spec"]["replicas"] == 2


def test_a_slot_that_sleeps_wakes_when_it_is_to_be_warm_again(serving, plane, now):
    finish(serving, plane, now)
    serving.running("green", 0)
    guard = Guard.open(
        cluster=Reach(context="sandbox", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(),
        models={"iris": serving.namespace},
        now=now,
    )
    model = serving.declared(active="blue")
    assert "iris: green 0 → 2: idle.size is warm, so it sleeps no longer" in guard.report([model])
    asyncio.run(guard.verify(model))
    serving.running("green", 2)


def test_the_ledger_on_the_autoscalers_is_read_back_as_it_was_written(serving, now):
    model = serving.declared(active="green")
    text = written(model, serving.seen(), now)["green"].text()
    path = serving.path("horizontalpodautoscalers", "/apis/autoscaling/v2")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-green"}
    metadata = {"name": "iris-green", "annotations": {"ml-platform/served": text}}
    body = {"spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 10}, "metadata": metadata}
    serving.create(path, {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", **body})
    assert serving.seen().slots["green"].served == text
