from __future__ import annotations

from dataclasses import replace

import pytest
from rollouts import told, traffic

from infra.settings.analysis import Analysis
from rollout.ended import Ended
from rollout.engine import Change
from rollout.metrics import Seen
from rollout.target import RefusedError


def at(target, percent: int, **analysis: object):
    return replace(target, percent=percent, analysis=Analysis.model_validate(analysis))


def test_a_good_canary_gets_each_share_in_turn_and_then_the_switch_in_one_up(make):
    rollout = make()
    assert rollout.walk.run() is Ended.DONE
    assert rollout.engine.journal == [
        *("canary.percent=10", "up", "canary.percent=50", "up", "canary.percent=100", "up"),
        *("active=green canary.percent=0", "up"),
    ]


def test_every_step_is_a_line_with_its_numbers(make):
    rollout = make()
    rollout.walk.run()
    lines = rollout.printed.splitlines()
    good = [line for line in lines if "good" in line]
    assert len(good) == 3
    assert "10 %  good: green 600 requests, 0 % failed, p95 9.75 ms, 2 pods; blue 5,400 requests" in good[0]


def test_each_share_is_watched_for_a_whole_window(make):
    rollout = make()
    rollout.walk.run()
    assert rollout.clock.now == pytest.approx(3 * 120)


@pytest.mark.parametrize(
    ("canary", "why"),
    [
        (traffic(50, failing=0.05), "green failed 5 % of its"),
        (traffic(50, seconds=0.4), "green answers 95 % of its requests within 488 ms, blue within 9.75 ms"),
        (traffic(0.1), "no data: green answered 1 requests in 120 s; at least 100 are needed"),
        (lambda *_: Seen(seconds=120, pods=2), "no http_requests_total and no http_request_duration_seconds was told"),
        (traffic(50, pods=0), "no pod of green is ready"),
        (traffic(float("nan")), "nonsense from green: its metrics are not numbers"),
        (traffic(50, troubles=("pod churn-green-1: /metrics answered 404",)), "/metrics answered 404"),
    ],
    ids=["errors", "slow", "no requests", "no metrics", "no pod", "nonsense", "unreadable"],
)
def test_a_bad_canary_loses_its_requests_and_the_reason_is_told_with_numbers(make, canary, why):
    rollout = make(canary)
    assert rollout.walk.run() is Ended.WENT_BACK
    assert rollout.engine.journal == ["canary.percent=10", "up", "canary.percent=0", "up"]
    assert rollout.engine.live == {"canary.percent": "0", "active": "blue"}
    assert why in rollout.printed.splitlines()[-1]


def test_what_is_certainly_bad_ends_a_step_before_its_window(make):
    rollout = make(traffic(200, failing=0.05))
    rollout.walk.run()
    assert rollout.clock.now == 10
    assert rollout.source.looks == 1


def test_a_canary_that_turns_bad_at_half_of_the_requests_goes_back_from_there(make):
    good, bad = traffic(50), traffic(50, failing=0.5)
    rollout = make(lambda share, passed: (bad if share >= 50 else good)(share, passed))
    assert rollout.walk.run() is Ended.WENT_BACK
    assert rollout.engine.journal[-2:] == ["canary.percent=0", "up"]
    assert "ended at 50 %" in rollout.printed


def test_an_active_slot_without_data_stops_a_comparison(make):
    rollout = make(active=lambda *_: told(3))
    assert rollout.walk.run() is Ended.WENT_BACK
    assert "no data: blue answered 3 requests" in rollout.printed


def test_at_all_of_the_requests_the_canary_is_held_against_what_the_active_slot_did_before(make):
    slow = traffic(50, seconds=0.2)
    rollout = make(lambda share, passed: (slow if share == 100 else traffic(50))(share, passed))
    assert rollout.walk.run() is Ended.WENT_BACK
    assert "ended at 100 %: green answers 95 % of its requests within" in rollout.printed


def test_a_rollout_to_all_at_once_measures_the_active_slot_first(make, target):
    rollout = make(changed=at(target, 0, steps=[100]))
    assert rollout.walk.run() is Ended.DONE
    assert rollout.engine.journal == ["canary.percent=100", "up", "active=green canary.percent=0", "up"]
    assert rollout.clock.now == 240
    assert "  0 %  good" in rollout.printed


@pytest.mark.parametrize(
    ("percent", "walked"),
    [(10, ["10", "50", "100"]), (25, ["50", "100"]), (50, ["50", "100"]), (100, ["50", "100"])],
)
def test_a_rollout_under_way_is_picked_up_where_it_is(make, target, percent, walked):
    rollout = make(changed=at(target, percent))
    assert rollout.walk.run() is Ended.DONE
    set_to = [entry.removeprefix("canary.percent=") for entry in rollout.engine.journal if entry.startswith("canary")]
    assert set_to == walked
    assert f"under way at {percent} %" in rollout.printed


def test_shares_of_pods_end_below_all_of_them(make, target):
    rollout = make(changed=replace(target, coarse=True))
    assert rollout.walk.run() is Ended.DONE
    assert "canary.percent=100" not in rollout.engine.journal
    assert "a share is one of pods" in rollout.printed


@pytest.mark.parametrize("second", [5, 60, 130, 350])
def test_ctrl_c_while_watching_leaves_the_share_and_says_how_to_go_on_and_back(make, second):
    rollout = make()
    rollout.clock.stop_at = second
    assert rollout.walk.run() is Ended.STOPPED
    assert rollout.engine.live == rollout.engine.configuration
    share = rollout.engine.live["canary.percent"]
    assert f"stopped: {share} % of all requests go to green and stay there" in rollout.printed
    assert "to go on: python -m rollout churn -s prod" in rollout.printed
    assert "to go back: python -m rollout churn -s prod --back" in rollout.printed


@pytest.mark.parametrize("up", [1, 2, 3])
def test_ctrl_c_during_an_up_stops_after_it(make, up):
    rollout = make()
    rollout.engine.during_up = lambda number: rollout.clock.press() if number == up else None
    assert rollout.walk.run() is Ended.STOPPED
    assert rollout.engine.ups == up
    assert rollout.engine.live == rollout.engine.configuration


def test_ctrl_c_during_the_switch_ends_on_the_new_version(make):
    rollout = make()
    rollout.engine.during_up = lambda number: rollout.clock.press() if number == 4 else None
    assert rollout.walk.run() is Ended.DONE
    assert rollout.engine.live == {"active": "green", "canary.percent": "0"}


def test_an_up_that_is_cancelled_says_which_up_makes_cluster_and_configuration_agree(make):
    rollout = make()
    rollout.engine.during_up = lambda _: (rollout.clock.press(), rollout.clock.press())
    rollout.engine.fail = {1: "error: update canceled"}
    assert rollout.walk.run() is Ended.STOPPED
    assert rollout.engine.journal == ["canary.percent=10", "up"]
    assert "`pulumi up` was cancelled; run: pulumi up -s prod" in rollout.printed
    assert "to go back: python -m rollout churn -s prod --back" in rollout.printed


def test_a_stop_does_not_hinder_going_back(make):
    rollout = make(traffic(200, failing=0.2))
    rollout.engine.during_up = lambda number: rollout.clock.press() if number == 2 else None
    assert rollout.walk.run() is Ended.WENT_BACK
    assert rollout.engine.live["canary.percent"] == "0"


def test_a_step_that_the_guard_refuses_goes_back(make):
    rollout = make()
    rollout.engine.fail = {2: "error: refused: green is not ready"}
    assert rollout.walk.run() is Ended.WENT_BACK
    assert rollout.engine.journal[-3:] == ["up", "canary.percent=0", "up"]
    assert "green is not ready" in rollout.printed


def test_a_refused_switch_leaves_the_former_version_serving(make):
    rollout = make()
    rollout.engine.fail = {4: "error: refused: green runs 1 of 2 pods"}
    assert rollout.walk.run() is Ended.WENT_BACK
    assert rollout.engine.live == {"active": "blue", "canary.percent": "0"}


def test_when_going_back_fails_as_well_it_says_what_to_run(make):
    rollout = make(traffic(200, failing=0.2))
    rollout.engine.fail = {2: "error: the API server does not answer"}
    assert rollout.walk.run() is Ended.STUCK
    assert rollout.engine.configuration["canary.percent"] == "0"
    assert "run: pulumi up -s prod" in rollout.printed


@pytest.mark.parametrize("up", [1, 2, 4])
def test_another_update_of_the_stack_changes_nothing_and_puts_the_configuration_back(make, up):
    rollout = make()
    rollout.engine.fail = {up: "error: the stack is currently locked by 1 lock(s)"}
    assert rollout.walk.run() is Ended.STUCK
    assert rollout.engine.configuration == rollout.engine.live
    assert "another update of prod is running" in rollout.printed


def test_nothing_is_touched_while_something_else_waits_to_be_deployed(make):
    rollout = make()
    rollout.engine.changes = [
        Change(operation="update", type="kubernetes:apps/v1:Deployment", name="fraud-prod/ranking")
    ]
    with pytest.raises(RefusedError, match=r"update Deployment fraud-prod/ranking. First run: pulumi up -s prod"):
        rollout.walk.run()
    assert rollout.engine.journal == []


def test_floors_that_a_soak_leaves_behind_do_not_hinder_a_rollout(make):
    rollout = make()
    kind = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
    rollout.engine.changes = [Change(operation="update", type=kind, name="fraud-prod/ranking-blue")]
    assert rollout.walk.run() is Ended.DONE


def test_own_changes_that_wait_are_part_of_a_rollout_under_way(make, target):
    route = Change(
        operation="update", type="kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", name="fraud-prod/churn"
    )
    rollout = make(changed=at(target, 10))
    rollout.engine.changes = [route]
    assert rollout.walk.run() is Ended.DONE
    fresh = make()
    fresh.engine.changes = [route]
    with pytest.raises(RefusedError):
        fresh.walk.run()


def test_a_failure_of_the_rollout_itself_takes_the_canary_off(make):
    def broken(*_: object) -> Seen:
        raise ZeroDivisionError

    rollout = make(broken)
    with pytest.raises(ZeroDivisionError):
        rollout.walk.run()
    assert rollout.engine.live["canary.percent"] == "0"


def test_back_takes_a_canary_off_on_request(make, target):
    rollout = make(changed=at(target, 50))
    assert rollout.walk.back() is Ended.DONE
    assert rollout.engine.journal == ["canary.percent=0", "up"]


def test_back_without_a_canary_touches_nothing(make):
    rollout = make()
    with pytest.raises(RefusedError, match="no canary is under way"):
        rollout.walk.back()
    assert rollout.engine.journal == []
