"""A whole run's view of a real cluster: what is observed, said, refused and compared afterwards."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.guard import Guard, SwitchRefusedError
from infra.observed import ApiServer, load_access, observe
from infra.reach import Reach
from infra.settings.guard import Guard as GuardSettings


def opened(flowers, plane, now, **settings):
    return Guard.open(
        cluster=Reach(context="sandbox", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(**settings),
        models={"iris": flowers.namespace},
        now=now,
    )


def autoscale(flowers, slot, *, hold=None):
    path = flowers.path("horizontalpodautoscalers", "/apis/autoscaling/v2")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"iris-{slot}"}
    flowers.create(
        path,
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": f"iris-{slot}", "annotations": {"ml-platform/hold": hold} if hold else {}},
            "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 10},
        },
    )


def test_slots_quota_and_routing_are_read_as_they_are(flowers):
    flowers.limit(pods="9")
    flowers.deploy("blue", replicas=3)
    flowers.route("blue")
    autoscale(flowers, "blue", hold="3 until 2026-03-01T12:00:00Z")
    flowers.running("blue", 3)
    observed = flowers.observed()
    seen = observed.model("iris")
    blue = seen.slots["blue"]
    assert observed.unreachable is None
    assert (seen.service, seen.routing) == (True, "blue")
    assert (blue.running, blue.settled, blue.content, blue.floor) == (3, True, "c-blue", 2)
    assert blue.hold == "3 until 2026-03-01T12:00:00Z"
    assert blue.image.endswith("1" * 64)
    assert blue.requests.items() >= {"requests.cpu": "100m", "memory": "64Mi"}.items()
    assert [pod.ready for pod in blue.pods] == [True] * 3
    assert not seen.slots["green"].exists
    (quota,) = observed.quotas[flowers.namespace]
    assert (quota.hard, quota.used) == ({"pods": "9"}, {"pods": "3"})


def test_a_namespace_that_is_not_there_yet_is_no_error(flowers):
    observed = observe(flowers.server, {"iris": "no-such-namespace"})
    assert observed.unreachable is None
    assert not observed.model("iris").service


def test_a_run_plans_a_switch_from_what_is_live(flowers, plane, now):
    flowers.deploy("blue", replicas=4)
    flowers.deploy("green", replicas=2)
    flowers.route("blue")
    flowers.running("blue", 4)
    flowers.running("green", 2)
    guard = opened(flowers, plane, now, smoke=False)
    model, hold = flowers.declared(), "4 until 2026-03-01T12:11:00Z"
    off, words, waited = guard.report([model])
    assert off == "guard.smoke is false: a switch does not ask its target for an answer"
    start = r"iris: green 2 → 4 first, then 100 % to version 2: cold \(about (\d+) s: its last start took \1 s\); "
    assert re.fullmatch(start + f"both slots keep at least {hold}", words)
    assert waited == f"will be waited for: iris-green: 4 ready pods of {model.slots['green'].image}"
    assert {floor.min_replicas for floor in guard.floors(model).values()} == {4}
    guard.refuse([model])


def test_a_second_run_within_the_soak_declares_the_same(flowers, plane, now):
    flowers.deploy("green", replicas=4)
    flowers.route("green")
    hold = "4 until 2026-03-01T12:11:00Z"
    autoscale(flowers, "blue", hold=hold)
    autoscale(flowers, "green", hold=hold)
    for later, least, kept in ((timedelta(minutes=9), 4, hold), (timedelta(minutes=11), 2, None)):
        floors = opened(flowers, plane, now + later).floors(flowers.declared())
        assert {(floor.min_replicas, floor.hold) for floor in floors.values()} == {(least, kept)}


def test_a_quota_too_small_is_refused_before_anything_is_touched(flowers, plane, now):
    flowers.limit(pods="6")
    flowers.deploy("blue", replicas=4)
    flowers.route("blue")
    flowers.running("blue", 4)
    flowers.eventually(lambda: flowers.get("resourcequotas/team")["status"]["used"]["pods"] == "4")
    with pytest.raises(SwitchRefusedError, match=r"pods 4 more, 2 of 6 left"):
        opened(flowers, plane, now).refuse([flowers.declared()])


def test_live_routing_as_declared_passes(flowers, plane, now):
    flowers.route("green")
    verify(opened(flowers, plane, now), flowers)


def test_routing_that_another_hand_changed_fails_the_up_and_names_refresh(flowers, plane, now):
    flowers.route("blue")
    with pytest.raises(SwitchRefusedError, match=r"selects .*slot=blue, declared is .*slot=green.*pulumi refresh"):
        asyncio.run(opened(flowers, plane, now).verify(flowers.declared()))


def test_a_service_that_is_gone_fails_the_up(flowers, plane, now):
    with pytest.raises(SwitchRefusedError, match="does not exist"):
        asyncio.run(opened(flowers, plane, now).verify(flowers.declared()))


def verify(guard, flowers, **contents):
    """Verify as the program does, which knows the slots' content once the engine has run."""

    async def run():
        model = flowers.declared()
        model = replace(model, slots={name: replace(slot, content=None) for name, slot in model.slots.items()})
        guard.gate(model).declare(images={}, contents=contents)
        await guard.verify(model)

    asyncio.run(run())


def test_a_slot_that_this_run_has_changed_is_waited_for_beside_the_switch(flowers, plane, now):
    flowers.route("green")
    guard = opened(flowers, plane, now)
    flowers.deploy("blue", replicas=1)
    verify(guard, flowers, blue="c-blue")
    assert len([pod for pod in flowers.pods("blue") if pod["status"]["phase"] == "Running"]) == 2


@pytest.mark.usefixtures("impatient")
def test_a_version_that_cannot_run_fails_the_up_that_brought_it(flowers, plane, now):
    flowers.route("green")
    guard = opened(flowers, plane, now)
    flowers.deploy("blue", replicas=2)
    flowers.running("blue", 2)
    flowers.fail("blue", {"reason": "ImagePullBackOff", "message": "not found"}, restarts=0)
    for run in (guard, opened(flowers, plane, now)):  # and every later one, until it is mended
        with pytest.raises(SwitchRefusedError, match=r"version 1 does not come up in slot blue: .*ImagePullBackOff"):
            verify(run, flowers, blue="c-blue")


def test_a_slot_that_is_left_alone_is_not_asked_and_not_woken(flowers, plane, now):
    flowers.route("green")
    flowers.deploy("blue", replicas=0)
    flowers.deploy("green", replicas=1)
    flowers.running("green", 1)
    flowers.eventually(lambda: flowers.api.get(flowers.deployment("green"))["status"].get("readyReplicas"))
    verify(opened(flowers, plane, now, deadline=1), flowers, blue="another", green="c-green")
    assert [len(flowers.pods(slot)) for slot in ("blue", "green")] == [0, 1]


def test_an_unreachable_cluster_is_said_in_a_preview_and_ends_an_up(flowers, plane, now, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{closed.getsockname()[1]}"
        broken = tmp_path / "kubeconfig"
        broken.write_text(plane.kubeconfig.read_text().replace(plane.server, server))
        guard = Guard.open(
            cluster=Reach(context="sandbox", kubeconfig=str(broken)),
            settings=GuardSettings(),
            models={"iris": flowers.namespace},
            now=now,
        )
        lines = guard.report([flowers.declared()])
    assert lines[0].startswith("the cluster cannot be read, so nothing live is known: ")
    assert "Connection refused" in lines[0]
    assert any(line.startswith("will be waited for: iris-green") for line in lines)
    guard.refuse([flowers.declared()], dry_run=True)
    with pytest.raises(SwitchRefusedError, match=r"cannot be read, so nothing was touched: .*Connection refused"):
        guard.refuse([flowers.declared()], dry_run=False)


def test_a_kubeconfig_without_the_context_is_said_in_the_same_way(flowers, plane, now):
    guard = Guard.open(
        cluster=Reach(context="elsewhere", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(),
        models={"iris": flowers.namespace},
        now=now,
    )
    assert 'no context "elsewhere"; it has: sandbox' in guard.report([flowers.declared()])[0]


def test_a_user_who_may_not_read_is_told_what_is_missing(flowers, plane, now):
    kubeconfig = plane.write_kubeconfig("nobody", "somebody:without-rights")
    observed = observe(ApiServer(load_access(str(kubeconfig))), {"iris": flowers.namespace})
    assert 'User "somebody:without-rights" cannot list resource "services"' in observed.unreachable


@pytest.mark.usefixtures("impatient")
def test_going_back_from_a_version_that_crashes_ends_well_and_says_what_is_left_behind(flowers, plane, now, capfd):
    flowers.route("blue")
    flowers.deploy("blue", replicas=2)
    flowers.deploy("green", replicas=2)
    flowers.running("blue", 2)
    flowers.running("green", 2)
    flowers.fail("blue", {"reason": "CrashLoopBackOff", "message": "back-off 40s"}, restarts=4)
    guard = opened(flowers, plane, now)
    flowers.patch(flowers.path("services/iris"), {"spec": {"selector": flowers.labels("green")}})
    verify(guard, flowers, blue="c-blue", green="c-green")
    assert "version 1 in slot blue has no request to answer now, and does not run" in capfd.readouterr().err
    with pytest.raises(SwitchRefusedError, match=r"version 1 does not come up in slot blue: .*CrashLoopBackOff"):
        verify(opened(flowers, plane, now), flowers, blue="c-blue", green="c-green")
