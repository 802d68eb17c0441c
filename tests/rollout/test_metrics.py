from __future__ import annotations

import pytest

from rollout.figures import Histogram
from rollout.metrics import Sample
from rollout.metrics.exposition import parse
from rollout.metrics.tally import Tally

TEXT = """\
# HELP http_requests_total Answered requests
# TYPE http_requests_total counter
http_requests_total{path="/predict",status="200"} 7.0
http_requests_total{path="/predict",status="503"} 1.0
# TYPE model_info gauge
model_info{model="iris",version="1"} 1.0
http_requests_created{path="/predict"} 1.7e+09
drift NaN

go_gc_duration_seconds_sum 0.1
"""


def count(value: float, status: str = "200") -> list[Sample]:
    return [Sample(name="http_requests_total", labels={"status": status}, value=value)]


def increase(tally: Tally) -> dict[str, float]:
    return {sample.labels["status"]: sample.value for sample in tally.increases}


def test_only_wanted_series_are_read():
    found = parse(TEXT, {"http_requests_total"})
    assert [(sample.labels["status"], sample.value) for sample in found] == [("200", 7.0), ("503", 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>Not Found</body></html>",
        '{"error": "no"}',
        'http_requests_total{path="/x" 7',
        "http_requests_total seven",
    ],
    ids=["a page", "json", "a broken label", "no number"],
)
def test_what_is_no_exposition_is_refused(text):
    with pytest.raises(ValueError, match="not Prometheus' text format"):
        parse(text, {"http_requests_total"})


def test_an_empty_exposition_is_one():
    assert parse("", {"http_requests_total"}) == ()


def test_a_process_from_before_the_window_counts_from_its_first_reading():
    tally = Tally(known={"a/0"})
    tally.read("a/0", count(1000))
    tally.read("a/0", count(1007))
    assert increase(tally) == {"200": 7}


def test_a_process_that_came_within_the_window_counts_in_full():
    tally = Tally(known={"a/0"})
    tally.read("b/0", count(12))
    assert increase(tally) == {"200": 12}


def test_a_restarted_container_counts_from_zero_even_above_its_former_value():
    tally = Tally(known={"a/0"})
    tally.read("a/0", count(10))
    tally.read("a/0", count(15))
    tally.read("a/1", count(40))
    assert increase(tally) == {"200": 45}


def test_a_counter_that_falls_has_begun_anew():
    tally = Tally(known={"a/0"})
    for value in (100, 110, 4, 6):
        tally.read("a/0", count(value))
    assert increase(tally) == {"200": 16}


def test_a_pod_that_is_gone_keeps_what_it_was_last_seen_to_count():
    tally = Tally(known={"a/0", "b/0"})
    for process, value in (("a/0", 5), ("b/0", 5), ("a/0", 25), ("b/0", 6), ("b/0", 7)):
        tally.read(process, count(value))
    assert increase(tally) == {"200": 22}


def test_a_status_that_is_told_for_the_first_time_counts_from_zero():
    tally = Tally(known={"a/0"})
    tally.read("a/0", count(5))
    tally.read("a/0", [*count(9), *count(3, "503")])
    assert increase(tally) == {"200": 4, "503": 3}


def test_a_gauge_is_averaged_over_pods_and_looks():
    tally = Tally(known=())
    for value in (1.0, 2.0, 6.0):
        tally.average([Sample(name="drift", value=value)])
    assert [sample.value for sample in tally.means] == [3.0]


def test_a_quantile_is_interpolated_as_promql_does():
    histogram = Histogram(buckets=((0.1, 50.0), (0.2, 90.0), (0.4, 100.0), (float("inf"), 100.0)))
    assert histogram.quantile(0.95) == pytest.approx(0.3)
    assert histogram.quantile(0.5) == pytest.approx(0.1)
    assert histogram.quantile(0.05) == pytest.approx(0.01)


def test_a_quantile_above_the_last_bound_is_infinite():
    assert Histogram(buckets=((0.1, 90.0), (float("inf"), 100.0))).quantile(0.95) == float("inf")


def test_no_measurements_have_no_quantile():
    assert Histogram(buckets=()).quantile(0.95) is None
    assert Histogram(buckets=((0.1, 0.0), (float("inf"), 0.0))).quantile(0.95) is None


def test_only_the_certainly_slow_are_counted_as_slower():
    histogram = Histogram(buckets=((0.1, 50.0), (0.2, 90.0), (float("inf"), 100.0)))
    assert histogram.slower(0.15) == 10
    assert histogram.slower(0.2) == 10
    assert histogram.slower(5) == 0
