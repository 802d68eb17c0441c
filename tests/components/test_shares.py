from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.model import Model
from components.shares import granularity, shares


@pytest.mark.parametrize(
    ("percent", "size", "most", "expected"),
    [
        (50, 2, 20, (2, 2, 50.0)),
        (10, 2, 20, (9, 1, 10.0)),
        (10, 12, 20, (18, 2, 10.0)),
        (25, 3, 4, (3, 1, 25.0)),
        (33, 2, 2, (2, 1, 100 / 3)),
        (1, 2, 20, (20, 1, 100 / 21)),
        (99, 2, 4, (2, 4, 200 / 3)),
        (50, 1, 1, (1, 1, 50.0)),
    ],
)
def test_the_fewest_pods_that_come_nearest(percent, size, most, expected):
    found = shares(percent, size, most)
    assert (found.active, found.canary) == expected[:2]
    assert found.percent == pytest.approx(expected[2])


scales = st.integers(1, 30).flatmap(lambda most: st.tuples(st.integers(1, most), st.just(most)))


@given(percent=st.integers(1, 99), scale=scales)
def test_no_other_numbers_within_the_scale_come_nearer(percent, scale):
    size, most = scale
    found = shares(percent, size, most)
    assert size <= found.active <= most
    assert 1 <= found.canary <= most
    everything = {100 * c / (a + c) for a in range(size, most + 1) for c in range(1, most + 1)}
    assert abs(found.percent - percent) == pytest.approx(min(abs(share - percent) for share in everything))


@given(scale=scales, smaller=st.integers(1, 98), more=st.integers(1, 50))
def test_a_larger_share_is_never_a_smaller_one(scale, smaller, more):
    larger = min(99, smaller + more)
    assert shares(smaller, *scale).percent <= shares(larger, *scale).percent


@pytest.mark.parametrize("most", [1, 5, 20])
def test_the_least_share_is_one_pod_beside_all_others(most):
    assert shares(0.001, 1, most).percent == pytest.approx(granularity(most))


@pytest.mark.parametrize(
    ("percent", "size", "most", "message"),
    [(0, 1, 2, "0 is none"), (100, 1, 2, "100 is a switch"), (10, 3, 2, "3 pods are not within 1 to scale.max: 2")],
)
def test_what_no_number_of_pods_shares_out_is_refused(percent, size, most, message):
    with pytest.raises(ValueError, match=message):
        shares(percent, size, most)


@pytest.fixture
def model(engine, model_args):
    def declare(**changes):
        args = model_args(**changes)
        return engine.run(lambda: Model("iris", args))

    return declare


def sizes(declared):
    return {
        slot: tuple(
            declared.object("HorizontalPodAutoscaler", f"iris-{slot}")["spec"][f"{end}Replicas"] for end in ends
        )
        for slot, ends in {"blue": ("min", "max"), "green": ("min", "max")}.items()
    }


@pytest.mark.parametrize(("active", "expected"), [("blue", (9, 1)), ("green", (1, 9))])
def test_slots_that_share_the_traffic_are_held_at_one_size_behind_one_service(model, active, expected):
    declared = model(active=active, shares=shares(10, 2, 20))
    assert sizes(declared) == {slot: (size, size) for slot, size in zip(("blue", "green"), expected, strict=True)}
    service = declared.object("Service", "iris")
    assert service["spec"]["selector"] == {"app.kubernetes.io/name": "iris"}
    assert service["metadata"]["annotations"]["ml-platform/active"] == active


def test_without_shares_the_selector_says_which_slot_is_active(model):
    service = model().object("Service", "iris")
    assert service["spec"]["selector"]["ml-platform/slot"] == "blue"
    assert "ml-platform/active" not in service["metadata"]["annotations"]


def test_a_slot_without_a_version_shares_nothing(model_args, content):
    with pytest.raises(ValueError, match="no canary without a version in each slot"):
        model_args(slots={"blue": content("1"), "green": None}, shares=shares(10, 2, 20))
