from __future__ import annotations

from datetime import timedelta

import pytest

from infra.guard.canary import DeclaredCanary
from infra.guard.floors import floors
from infra.guard.sleep import left, sleeping, unproven, waking
from infra.guard.starts import estimate, last_start, remembered
from infra.guard.words import words
from infra.observed import RouteSeen

HELD = "6 until 2026-03-01T12:07:00Z"


def sleeps(given, model, seen, *, later=timedelta(0)):
    now = given.now + later
    return {slot: sleeping(model, slot, seen, floors(model, seen, now)[slot]) for slot in ("blue", "green")}


def test_a_cold_idle_slot_sleeps_and_the_one_that_serves_never_does(given):
    assert sleeps(given, given.model(idle="cold"), given.live()) == {"blue": False, "green": True}


@pytest.mark.parametrize("size", ["warm", 1])
def test_a_slot_that_is_to_be_warm_does_not_sleep(given, size):
    assert not any(sleeps(given, given.model(idle=size), given.live()).values())


def test_nothing_sleeps_while_a_hold_is_in_force_and_the_first_run_after_it_puts_it_to_sleep(given):
    model = given.model(active="green", idle="cold")
    seen = given.live(routing="green", blue=given.slot(hold=HELD), green=given.slot(given.two, hold=HELD))
    assert not any(sleeps(given, model, seen).values())
    assert sleeps(given, model, seen, later=timedelta(minutes=8)) == {"blue": True, "green": False}


def test_nothing_sleeps_in_the_run_that_switches_however_short_the_soak(given):
    model = given.model(active="green", idle="cold", soak=timedelta(0))
    assert not any(sleeps(given, model, given.live()).values())


def test_an_idle_slot_keeps_as_many_pods_as_it_is_told_and_a_cold_one_wakes_at_the_minimum(given):
    sizes = {
        size: floors(given.model(idle=size), given.live(), given.now)["green"].min_replicas
        for size in ("warm", "cold", 1, 4, 99)
    }
    assert sizes == {"warm": 2, "cold": 2, 1: 1, 4: 4, 99: 10}


def test_a_small_idle_slot_is_held_at_the_switch_s_size_and_let_go_to_its_own_after_it(given):
    model = given.model(active="green", idle=1)
    seen = given.live(blue=given.slot(replicas=6), green=given.slot(given.two, replicas=1))
    assert {floor.min_replicas for floor in floors(model, seen, given.now).values()} == {6}
    held = given.live(routing="green", blue=given.slot(hold=HELD), green=given.slot(given.two, hold=HELD))
    later = floors(model, held, given.now + timedelta(minutes=8))
    assert (later["blue"].min_replicas, later["green"].min_replicas) == (1, 2)


def test_a_slot_that_the_guard_put_to_sleep_wakes_when_it_is_to_be_warm_again(given):
    asleep = given.slot(given.two, replicas=0, started="34 s as c2")
    assert waking(given.model(), "green", given.live(green=asleep))
    assert not waking(given.model(idle="cold"), "green", given.live(green=asleep))


def test_a_slot_that_a_person_scaled_to_zero_is_left_as_it_is(given):
    assert not waking(given.model(), "green", given.live(green=given.slot(given.two, replicas=0)))


def test_a_sleeping_slot_has_to_prove_itself_anew_when_what_it_runs_changes(given):
    two = given.model().slots["green"]
    assert not unproven(two, given.slot(given.two, replicas=0))
    assert unproven(two, given.slot(given.two, replicas=0, content="older"))
    assert unproven(two, given.slot(given.two, exists=False))


def a_pod(given, created, ready):
    return given.pod(name=ready, image=given.two, template="t", created=created, ready=bool(ready), ready_since=ready)


def test_the_last_start_is_that_of_the_quickest_pod_since_readiness_may_come_and_go(given):
    created = "2026-03-01T11:00:00Z"
    pods = [a_pod(given, created, ready) for ready in ("2026-03-01T11:00:34Z", "2026-03-01T11:50:00Z", "")]
    assert last_start(given.slot(given.two, pods=tuple(pods))) == 34


def test_a_slot_that_sleeps_is_judged_by_what_was_written_down_when_it_fell_asleep(given):
    running = given.slot(given.two, pods=(a_pod(given, "2026-03-01T11:00:00Z", "2026-03-01T11:00:34Z"),))
    assert remembered(running) == "34 s as c2"
    asleep = given.slot(given.two, replicas=0, started=remembered(running))
    assert estimate(asleep) == "cold (about 34 s: its last start took 34 s)"


@pytest.mark.parametrize("started", [None, "unknown", "34 s as another", "a while"])
def test_where_nothing_tells_how_long_a_start_takes_nothing_is_claimed(given, started):
    assert estimate(given.slot(given.two, replicas=0, started=started)) == "cold (no start of it is known)"


def test_the_words_name_what_falls_asleep_and_what_wakes(given):
    over = "6 until 2026-03-01T11:00:00Z"
    seen = given.live(green=given.slot(given.two, hold=over))
    assert words(given.model(idle="cold"), seen, given.now) == [
        f"iris: green: the hold of {over} is over, its floor returns to 2",
        "iris: green 2 → 0: idle.size is cold, so it sleeps once it has proved itself",
    ]
    asleep = given.live(green=given.slot(given.two, replicas=0, started="34 s as c2"))
    assert words(given.model(idle="cold"), asleep, given.now) == []
    assert words(given.model(), asleep, given.now) == ["iris: green 0 → 2: idle.size is warm, so it sleeps no longer"]


BACK = RouteSeen(shares={"iris": 90.0, "iris-green": 10.0})


@pytest.mark.parametrize(
    ("changes", "seen", "expected"),
    [
        ({"active": "green"}, {}, True),
        ({"active": "blue"}, {"routing": "green"}, False),
        ({}, {}, False),
    ],
    ids=["switched away from", "switched to", "nothing moves"],
)
def test_the_slot_that_a_switch_leaves_may_be_as_broken_as_it_is(given, changes, seen, expected):
    assert left(given.model(**changes), "blue", given.live(**seen)) is expected


@pytest.mark.parametrize(
    ("canary", "expected"),
    [(None, True), (DeclaredCanary(percent=5, host="h"), True), (DeclaredCanary(percent=10, host="h"), False)],
    ids=["taken off", "less", "the same"],
)
def test_a_canary_that_gets_less_may_be_as_broken_as_it_is(given, canary, expected):
    assert left(given.model(canary=canary), "green", given.live(route=BACK)) is expected


def test_a_slot_that_is_left_and_gets_another_version_still_has_to_prove_it(given):
    older = given.slot(given.one, content="older")
    assert not left(given.model(active="green"), "blue", given.live(blue=older))
