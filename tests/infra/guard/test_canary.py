from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pulumi
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from infra.guard import SwitchRefusedError
from infra.guard.canary import DeclaredCanary, carrying, declared_route, grows, load, shown, split
from infra.guard.canary_gate import CanaryGate
from infra.guard.floors import floors
from infra.guard.plan import refusals
from infra.guard.sleep import sleeping
from infra.guard.words import waits, words
from infra.observed import Observed, QuotaSeen, Reason, ReasonKind, RouteSeen

NOBODY = RouteSeen(shares={"iris": 100.0})
TEN = RouteSeen(shares={"iris": 90.0, "iris-green": 10.0})
TESTER = (("x-tester", "1"),)


def canary(percent=10, **changes):
    return DeclaredCanary(percent=percent, host="iris.example.com", **changes)


@pytest.mark.parametrize(
    ("declared", "live", "expected"),
    [
        (canary(10), NOBODY, True),
        (canary(10), None, True),
        (canary(10), TEN, False),
        (canary(50), TEN, True),
        (canary(5), TEN, False),
        (canary(0), TEN, False),
        (canary(10, headers={"x-tester": "1"}), TEN, True),
        (canary(10, headers={"x-tester": "1"}), replace(TEN, matches=frozenset({(TESTER, "iris-green")})), False),
        (canary(10, mirror=5), TEN, True),
        (canary(10, mirror=5), replace(TEN, mirrors={"iris-green": 20}), False),
        (DeclaredCanary(percent=10), NOBODY, False),
    ],
)
def test_a_canary_grows_when_it_is_sent_what_it_did_not_get(given, declared, live, expected):
    assert grows(given.model(canary=declared), live) is expected


@over(percent=st.integers(0, 100), mirror=st.integers(0, 100), running=st.integers(0, 500))
def test_a_canary_has_pods_for_its_share_of_the_load_and_one_at_least(percent, mirror, running):
    pods = carrying(canary(percent, mirror=mirror), running)
    load = max(percent, mirror) * running / 100
    assert pods >= load
    assert pods == 1 or pods - 1 < load


def test_a_canary_that_grows_is_held_at_its_share_and_one_that_stays_is_let_go_after_the_soak(given):
    model = given.model(canary=canary(50), maximum=20)
    seen = given.live(route=TEN, blue=given.slot(replicas=9))
    planned = floors(model, seen, given.now)
    assert (planned["green"].min_replicas, planned["green"].hold) == (5, "5 until 2026-03-01T12:11:00Z")
    half = RouteSeen(shares={"iris": 50.0, "iris-green": 50.0})
    after = given.live(route=half, blue=given.slot(replicas=9), green=given.slot(given.two, hold=planned["green"].hold))
    assert floors(model, after, given.now)["green"] == planned["green"]
    assert floors(model, after, given.now + timedelta(minutes=11))["green"].min_replicas == 2


def shared(percent: float) -> RouteSeen:
    shares = {"iris": 100 - percent, "iris-green": percent}
    return RouteSeen(shares={name: float(share) for name, share in shares.items() if share})


@pytest.mark.parametrize(
    ("percent", "blue", "green", "expected"),
    [(0, 9, 2, 9), (10, 9, 2, 10), (10, 4, 2, 5), (50, 3, 2, 6), (90, 2, 9, 10), (100, 2, 4, 4), (100, 9, 0, 0)],
)
def test_the_load_is_told_by_the_slot_that_gets_most_of_it(given, percent, blue, green, expected):
    seen = given.live(
        route=shared(percent), blue=given.slot(replicas=blue), green=given.slot(given.two, replicas=green)
    )
    assert load(given.model(canary=canary(percent)), seen) == expected


def test_a_slot_at_its_minimum_tells_nothing_of_what_the_other_carries(given):
    """Two pods that are bored by half of the requests are enough for all of them, for all that is known."""
    slots = {"blue": given.slot(replicas=2, floor=2), "green": given.slot(given.two, replicas=2, floor=2)}
    assert load(given.model(canary=canary(50)), given.live(route=shared(50), **slots)) == 2
    slots["blue"] = given.slot(replicas=3, floor=2)
    assert load(given.model(canary=canary(50)), given.live(route=shared(50), **slots)) == 6


def test_without_a_route_the_load_is_what_the_service_selects(given):
    seen = given.live(routing="green", blue=given.slot(replicas=9), green=given.slot(given.two, replicas=3))
    assert load(given.model(), seen) == 3


def test_while_a_canary_takes_all_users_the_active_slot_keeps_its_size_for_the_soak(given):
    model = given.model(canary=canary(100))
    seen = given.live(route=TEN, blue=given.slot(replicas=4), green=given.slot(given.two))
    planned = floors(model, seen, given.now)
    assert planned["green"].hold == "5 until 2026-03-01T12:11:00Z"
    assert planned["blue"].hold == "5 until 2026-03-01T12:11:00Z"


def test_users_who_come_back_from_a_canary_find_the_pods_that_they_left_there(given):
    """The canary took all for hours, so the active slot has shrunk to its minimum; then its share goes to nothing."""
    for back, size in ((canary(0), 4), (None, 4), (canary(25), 3)):
        seen = given.live(route=shared(100), blue=given.slot(replicas=2), green=given.slot(given.two, replicas=4))
        planned = floors(given.model(canary=back), seen, given.now)
        assert (planned["blue"].min_replicas, planned["green"].hold) == (size, None)


def test_a_route_that_stays_as_it_is_holds_nothing(given):
    model = given.model(canary=canary(10))
    planned = floors(model, given.live(route=TEN, blue=given.slot(replicas=9)), given.now)
    assert {floor.hold for floor in planned.values()} == {None}


@over(
    steps=st.lists(
        st.tuples(st.sampled_from([0, 1, 10, 50, 100]), st.integers(0, 9), st.integers(0, 9), st.integers(0, 30)),
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_canary_was_given_the_active_slot_may_never_be_smaller_than_it(given, steps):
    """Policy `active-slot-ready-size` asks it of every plan; a step is a share, live sizes, and minutes gone by."""
    now, seen = given.now, given.live(route=NOBODY)
    for percent, blue, green, minutes in steps:
        model = given.model(canary=canary(percent), maximum=8)
        slots = {"blue": given.slot(replicas=blue), "green": given.slot(replicas=green)}
        slots = {slot: replace(live, hold=seen.at(slot).hold) for slot, live in slots.items()}
        now += timedelta(minutes=minutes)
        planned = floors(model, given.live(route=seen.route, **slots), now)
        assert planned["blue"].min_replicas >= planned["green"].min_replicas
        held = {slot: replace(slots[slot], hold=floor.hold) for slot, floor in planned.items()}
        seen = given.live(route=declared_route(model), **held)


def test_a_canary_that_grows_while_a_larger_hold_is_in_force_keeps_that_size(given):
    seen = given.live(route=TEN, green=given.slot(given.two, hold="7 until 2026-03-01T12:07:00Z"))
    assert floors(given.model(canary=canary(50)), seen, given.now)["green"].min_replicas == 7


def test_a_slot_that_a_canary_sends_requests_to_is_not_idle_and_never_sleeps(given):
    model = given.model(idle="cold", canary=canary(1))
    for declared, asleep in ((model, False), (replace(model, canary=canary(0)), True)):
        floor = floors(declared, given.live(route=NOBODY), given.now)["green"]
        assert sleeping(declared, "green", given.live(route=TEN), replace(floor, hold=None)) is asleep


def test_the_words_say_who_gets_what(given):
    declared = canary(10, headers={"x-tester": "1"}, mirror=5)
    (line,) = words(given.model(canary=declared), given.live(route=TEN), given.now)
    assert line == (
        "iris: 10 % of traffic at iris.example.com to green (version 2); header x-tester: 1 always; "
        "a copy of 5 % of it, whose answers nobody gets"
    )


def test_what_a_growing_canary_waits_for_is_listed(given):
    seen = given.live(route=NOBODY)
    assert waits(given.model(canary=canary(10)), seen, given.now) == [
        f"iris-green: 2 ready pods of {given.two}",
        "iris-green: its answer to POST /predict",
    ]
    assert waits(given.model(canary=canary(10)), given.live(route=TEN), given.now) == []


def test_a_promotion_in_one_up_is_a_switch_and_no_canary(given):
    model = given.model(active="green", canary=canary(0))
    (line,) = words(model, given.live(route=TEN), given.now)
    assert "100 % to version 2" in line
    assert declared_route(model) == NOBODY


def test_without_a_gateway_the_share_is_told_as_it_will_really_be(given):
    model = given.model(canary=DeclaredCanary(percent=10))
    (line,) = words(model, given.live(), given.now)
    assert line == (
        "iris: 10 % of traffic at Service iris to green (version 2), asked for is 10 %: 1 of 10 pods, since no gateway "
        "shares requests out; neither slot is scaled meanwhile"
    )
    small = replace(model, maximum=3)
    assert "25 % of traffic" in words(small, given.live(), given.now)[0]


def test_the_numbers_of_pods_stay_the_same_from_run_to_run(given):
    model = given.model(canary=DeclaredCanary(percent=10), maximum=20)
    first = split(model, given.live(blue=given.slot(replicas=5)))
    again = split(model, given.live(blue=given.slot(replicas=first.active)))
    assert again == first
    planned = floors(model, given.live(blue=given.slot(replicas=first.active)), given.now)
    assert (planned["blue"].min_replicas, planned["green"].min_replicas) == (first.active, first.canary)


def test_a_quota_too_small_for_the_canary_is_refused_with_what_is_missing(given):
    quota = QuotaSeen(name="q", hard={"pods": "11"}, used={"pods": "11"})
    seen = given.live(route=TEN, blue=given.slot(replicas=9))
    observed = Observed(models={"iris": seen}, quotas={"flowers-prod": (quota,)})
    (refusal,) = refusals([given.model(canary=canary(50))], observed, given.now)
    assert str(refusal) == (
        "iris: the quota of namespace flowers-prod is too small for the canary: pods 3 more, 0 of 11 left. "
        "Raise it in teams, or lower scale or canary.percent"
    )
    assert refusals([given.model(canary=canary(5))], observed, given.now) == []


def test_a_gateway_that_cannot_mirror_is_never_told_to(given):
    observed = Observed(models={"iris": given.live(route=TEN)}, mirrors=False)
    (refusal,) = refusals([given.model(canary=canary(10, mirror=5))], observed, given.now)
    assert "the gateway cannot send copies of requests" in refusal.text
    assert refusals([given.model(canary=canary(10))], observed, given.now) == []


def gate(given, model, seen):
    async def resolve():
        return model

    def unreachable():
        raise AssertionError("nobody was to be asked")

    hook = CanaryGate(
        resolve=resolve, seen=seen, size=2, connect=unreachable, deadline=lambda _: 1, dry_run=lambda: True
    )
    asyncio.run(hook(pulumi.ResourceHookArgs("urn", "id", "name", "type", {}, None)))


def crashing(given):
    crash = Reason(kind=ReasonKind.CRASH, text="CrashLoopBackOff", count=5)
    return given.slot(given.two, ready=0, pods=(given.pod(name="p", image=given.two, reasons=(crash,)),))


def test_a_preview_refuses_requests_for_a_slot_that_is_known_to_crash(given):
    with pytest.raises(SwitchRefusedError, match="no canary on green: iris-green already is version 2 and does not"):
        gate(given, given.model(canary=canary(10)), given.live(route=NOBODY, green=crashing(given)))


def test_going_back_from_a_canary_that_crashes_is_let_pass_unasked(given):
    for percent in (5, 0):
        gate(given, given.model(canary=canary(percent)), given.live(route=TEN, green=crashing(given)))


def test_a_route_is_shown_in_words():
    seen = RouteSeen(shares=TEN.shares, matches=frozenset({(TESTER, "iris-green")}), mirrors={"iris-green": 5})
    assert shown(seen) == "90 % to iris; 10 % to iris-green; x-tester: 1 to iris-green; a copy of 5 % to iris-green"
    assert shown(RouteSeen()) == "nothing anywhere"
