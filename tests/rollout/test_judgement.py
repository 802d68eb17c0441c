from __future__ import annotations

import math

import pytest
from rollouts import told

from infra.settings.analysis import Analysis
from rollout.figures import Figures, figures
from rollout.judgement import Judge, certain_share
from rollout.metrics import Sample

QUIET = frozenset({"/readyz"})


def judge(canary, active=None, **analysis: object) -> list[str]:
    declared = Analysis.model_validate(analysis)
    of = [None if seen is None else figures(seen, declared, QUIET) for seen in (canary, active)]
    return Judge(analysis=declared, canary="green", active="blue").at_the_end(*of)


def test_a_slot_like_the_other_may_go_on():
    assert judge(told(1000, failed=1), told(9000, failed=9)) == []


def test_an_error_rate_is_bad_above_its_bound_and_not_at_it():
    assert judge(told(1000, failed=10), told(9000)) == []
    assert judge(told(1000, failed=11), told(9000)) == [
        "green failed 1.1 % of its 1,000 requests; at most 1 % is allowed"
    ]


def test_one_failed_request_in_the_fewest_that_are_data_is_allowed():
    assert judge(told(100, failed=1), told(100)) == []


def test_an_error_rate_may_be_worse_than_the_active_slots_by_points_of_a_percent():
    rule = {"errorRate": {"max": "10%", "worse": "0.5%"}}
    assert judge(told(1000, failed=54), told(1000, failed=50), **rule) == []
    assert judge(told(1000, failed=60), told(1000, failed=50), **rule) == [
        "green failed 6 % of its 1,000 requests, blue 5 %; at most 0.5 % more is allowed"
    ]


def test_a_canary_better_than_the_active_slot_may_go_on():
    assert judge(told(1000, seconds=0.004), told(1000, failed=900, seconds=0.9)) == []


def test_a_slow_canary_is_bad_by_its_bound():
    assert judge(told(1000, seconds=0.4), None, latency={"p95": "300ms", "ratio": None}) == [
        "green answers 95 % of its requests within 488 ms; at most 300 ms is allowed"
    ]


def test_a_canary_is_bad_when_it_is_too_many_times_slower():
    assert judge(told(1000, seconds=0.2), told(1000, seconds=0.04)) == [
        "green answers 95 % of its requests within 242 ms, blue within 48.8 ms; at most 1.5 times that is allowed"
    ]
    assert judge(told(1000, seconds=0.2), told(1000, seconds=0.04), latency={"ratio": 5}) == []


def test_a_canary_within_the_slack_is_never_too_slow():
    assert judge(told(1000, seconds=0.02), told(1000, seconds=0.004)) == []
    assert len(judge(told(1000, seconds=0.02), told(1000, seconds=0.004), latency={"slack": "5ms"})) == 1


def test_answers_slower_than_the_histogram_can_tell_are_bad():
    assert judge(told(1000, seconds=30), told(1000, seconds=30)) == [
        "green's 95th percentile is above its histogram's last bound, so that it cannot be compared"
    ]
    assert judge(told(1000, seconds=30), None, latency={"p95": "2s"}) == [
        "green answers 95 % of its requests within more than is measured; at most 2 s is allowed"
    ]


@pytest.mark.parametrize("slot", ["green", "blue"])
def test_too_few_requests_are_no_data_and_no_data_is_bad(slot):
    pair = {"green": told(1000), "blue": told(1000)} | {slot: told(99)}
    assert judge(pair["green"], pair["blue"]) == [
        f"no data: {slot} answered 99 requests in 120 s; at least 100 are needed"
    ]


def test_what_the_kubelet_asks_is_no_request_of_users():
    assert "green answered 0 requests" in judge(told(0), told(1000))[0]


def test_requests_may_be_chosen_by_label_instead():
    rule = {"errorRate": {"labels": {"path": "/other"}}}
    assert "green answered 0 requests" in judge(told(1000), told(1000), **rule)[0]


def test_a_model_that_tells_no_times_may_be_judged_by_errors_alone():
    seen = told(1000)
    seen = type(seen)(seconds=120, pods=2, increases=tuple(s for s in seen.increases if "bucket" not in s.name))
    assert "no http_request_duration_seconds was told" in judge(seen, told(1000))[0]
    assert judge(seen, seen, latency=None) == []


def test_a_model_that_tells_no_statuses_may_be_judged_by_times_alone():
    seen = told(1000)
    seen = type(seen)(seconds=120, pods=2, increases=tuple(s for s in seen.increases if "bucket" in s.name))
    assert judge(seen, seen, errorRate=None) == []
    assert "no http_requests_total was told" in judge(seen, told(1000))[0]


def test_a_counter_without_the_label_of_the_status_is_no_data():
    lacking = "no http_requests_total's label code was told"
    assert judge(told(1000), told(1000), errorRate={"label": "code"}) == [
        f"no data of green: {lacking}",
        f"no data of blue: {lacking}",
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_nonsense_and_bad(value):
    gauge = (Sample(name="drift", value=value),)
    assert judge(told(1000, more=gauge), told(1000), metrics={"drift": {"max": 1}}) == [
        f"nonsense from green: its drift is {value}"
    ]


def test_a_metric_that_the_former_version_did_not_have_may_be_bounded_but_not_compared():
    assert judge(own(0.5, "gauge"), told(1000), metrics={"score": {"max": 1}}) == []
    assert judge(own(0.5, "gauge"), told(1000), metrics={"score": {"ratio": 2}}) == [
        "no data of blue: no score was told"
    ]


def own(value: float, kind: str):
    """Tell a metric of the model's own with this value, each kind in its way, over 1,000 requests."""
    if kind == "gauge":
        samples = (Sample(name="score", value=value),)
    elif kind == "counter":
        samples = (Sample(name="score_total", value=value * 1000),)
    else:
        samples = (Sample(name="score_sum", value=value * 400), Sample(name="score_count", value=400))
    return told(1000, more=samples)


@pytest.mark.parametrize(("kind", "name"), [("gauge", "score"), ("counter", "score_total"), ("histogram", "score")])
def test_a_metric_of_the_models_own_is_held_against_its_bounds(kind, name):
    bound = {name: {"min": 0.2, "max": 0.6, "ratio": 1.25}}
    assert judge(own(0.5, kind), own(0.5, kind), metrics=bound) == []
    assert judge(own(0.1, kind), own(0.5, kind), metrics=bound) == [f"green's {name} is 0.1; at least 0.2 is allowed"]
    assert judge(own(0.7, kind), own(0.5, kind), metrics=bound) == [f"green's {name} is 0.7; at most 0.6 is allowed"]
    assert judge(own(0.3, kind), own(0.5, kind), metrics=bound) == [
        f"green's {name} is 0.3, blue's 0.5; a factor of 1.25 is allowed"
    ]


def test_a_metric_that_only_the_active_slot_tells_is_no_data():
    assert judge(told(1000), own(0.5, "gauge"), metrics={"score": {"ratio": 2}}) == [
        "no data of green: no score was told"
    ]


def test_one_metric_may_have_bounds_by_label():
    labels = [{"label": "setosa"}, {"label": "virginica"}]
    seen = told(1000, more=tuple(Sample(name="predictions_total", labels=one, value=500) for one in labels))
    rule = {"setosa": {"metric": "predictions_total", "labels": labels[0], "max": 0.4}}
    assert judge(seen, seen, metrics=rule) == ["green's setosa is 0.5; at most 0.4 is allowed"]


@pytest.mark.parametrize(
    ("bad", "total", "least"), [(0, 1000, 0), (5, 100, 0.014), (50, 1000, 0.033), (1, 1, 0.1), (math.nan, 10, 0)]
)
def test_a_share_is_certain_only_as_far_as_the_sample_shows(bad, total, least):
    assert certain_share(bad, total) == pytest.approx(least, abs=0.001)


def test_one_early_failure_ends_no_step():
    seen = Figures(seconds=10, requests=20, failed=1, pods=2)
    assert Judge(analysis=Analysis(), canary="green", active="blue").already(seen) == []


def test_five_percent_of_failures_are_certain_after_some_two_hundred_requests():
    seen = Figures(seconds=10, requests=200, failed=10, pods=2)
    assert Judge(analysis=Analysis(), canary="green", active="blue").already(seen) == [
        "green failed 5 % of its 200 requests; at most 1 % is allowed"
    ]
