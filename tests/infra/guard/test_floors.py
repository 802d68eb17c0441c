from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from infra.guard.floors import ROUNDING, Hold, floors, switching


def test_a_model_at_rest_declares_its_minimum(given):
    planned = floors(given.model(), given.live(), given.now)
    assert {slot: (floor.min_replicas, floor.hold) for slot, floor in planned.items()} == {
        "blue": (2, None),
        "green": (2, None),
    }


def test_a_switch_holds_both_slots_at_what_the_serving_one_runs(given):
    seen = given.live(blue=given.slot(given.one, replicas=6))
    planned = floors(given.model(active="green"), seen, given.now)
    held = "6 until 2026-03-01T12:11:00Z"
    assert [(floor.min_replicas, floor.hold) for floor in planned.values()] == [(6, held), (6, held)]


def test_pods_that_a_quota_refuses_and_a_surge_are_no_load(given):
    refused = given.slot(given.one, desired=9, current=5)
    surge = given.slot(given.one, desired=4, current=5)
    sizes = [
        floors(given.model(active="green"), given.live(blue=blue), given.now)["green"].min_replicas
        for blue in (refused, surge)
    ]
    assert sizes == [5, 4]


def test_a_switch_away_from_a_slot_at_zero_keeps_to_the_minimum(given):
    seen = given.live(blue=given.slot(given.one, replicas=0))
    assert floors(given.model(active="green"), seen, given.now)["green"].min_replicas == 2


def test_a_hold_never_exceeds_the_maximum(given):
    seen = given.live(blue=given.slot(given.one, replicas=30))
    assert floors(given.model(active="green"), seen, given.now)["green"].min_replicas == 10


def test_a_hold_in_force_is_declared_exactly_as_written(given):
    written = "6 until 2026-03-01T12:07:41Z"
    seen = given.live(routing="green", blue=given.slot(hold=written), green=given.slot(given.two, hold=written))
    planned = floors(given.model(active="green"), seen, given.now)
    assert {(floor.min_replicas, floor.hold) for floor in planned.values()} == {(6, written)}


@pytest.mark.parametrize(
    "written",
    [
        "6 until 2026-03-01T12:00:30Z",
        "6 until 2026-03-01T11:00:00Z",
        "six",
        "6 until tomorrow",
        "6 until 2026-99-01T11:00:00Z",
    ],
)
def test_a_hold_that_is_over_or_unreadable_is_let_go(given, written):
    planned = floors(given.model(), given.live(green=given.slot(given.two, hold=written)), given.now)
    assert (planned["green"].min_replicas, planned["green"].hold) == (2, None)


def test_without_a_service_there_is_nothing_to_switch_from(given):
    seen = given.live(routing=None)
    assert not switching(given.model(active="green"), seen)
    assert floors(given.model(active="green"), seen, given.now)["green"].hold is None


def test_going_back_within_the_soak_is_a_switch_of_its_own(given):
    written = "6 until 2026-03-01T12:07:00Z"
    seen = given.live(
        routing="green",
        blue=given.slot(replicas=6, hold=written),
        green=given.slot(given.two, replicas=7, hold=written),
    )
    planned = floors(given.model(active="blue"), seen, given.now)
    assert planned["blue"].min_replicas == planned["green"].min_replicas == 7


def test_preview_and_up_within_a_minute_write_the_same_hold():
    starts = [datetime(2026, 3, 1, 12, 0, second, tzinfo=UTC) for second in (1, 30, 59)]
    assert len({str(Hold.starting(4, now=now, soak=timedelta(minutes=10))) for now in starts}) == 1


sizes = st.integers(min_value=0, max_value=60)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
soaks = st.timedeltas(timedelta(0), timedelta(days=7))


@over(moments, soaks, sizes)
def test_a_hold_lasts_its_soak_and_less_than_a_minute_more(now, soak, replicas):
    hold = Hold.starting(replicas, now=now, soak=soak)
    assert timedelta(0) <= hold.until - (now + soak) < ROUNDING
    assert Hold.parse(str(hold)) == hold


@over(data=st.data())
def test_no_floor_leaves_the_bounds_of_scale_and_a_second_run_repeats_the_first(data):
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ModelSeen, SlotSeen

    least = data.draw(st.integers(1, 20))
    most = data.draw(st.integers(least, 40))
    now, soak = data.draw(moments), data.draw(soaks)
    slots = {slot: DeclaredSlot(version="1") for slot in ("blue", "green")}
    model = DeclaredModel(
        name="m",
        namespace="n",
        active=data.draw(st.sampled_from(["blue", "green"])),
        minimum=least,
        maximum=most,
        soak=soak,
        slots=slots,
    )
    holds = st.none() | st.builds(lambda n, t: f"{n} until {t:%Y-%m-%dT%H:%M:%SZ}", sizes, moments) | st.text()
    live = st.builds(SlotSeen, desired=sizes, current=sizes, hold=holds)
    routing = data.draw(st.sampled_from([None, "blue", "green"]))
    seen = ModelSeen(
        service=routing is not None or data.draw(st.booleans()),
        routing=routing,
        slots={"blue": data.draw(live), "green": data.draw(live)},
    )
    planned = floors(model, seen, now)
    assert all(least <= floor.min_replicas <= most for floor in planned.values())

    after = ModelSeen(
        service=True,
        routing=model.active,
        slots={slot: SlotSeen(exists=True, hold=floor.hold) for slot, floor in planned.items()},
    )
    later = now + soak / 2
    kept = {slot: floor for slot, floor in planned.items() if floor.hold and Hold.parse(floor.hold).in_force(later)}
    again = floors(model, after, later)
    assert {slot: again[slot] for slot in kept} == kept
