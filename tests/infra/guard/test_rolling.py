"""Models without slots: one place, whose version is replaced where it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.guard.declared import DeclaredRollout
from infra.guard.floors import floors, moving, replacing
from infra.guard.ledger import ledger
from infra.guard.plan import refusals
from infra.guard.room import room
from infra.guard.words import waits, words
from infra.observed import ModelSeen, Observed, QuotaSeen, Reason, ReasonKind

GPU = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def a_model(given, **changes):
    only = replace(given.model().slots["green"], requests={"requests.nvidia.com/gpu": "1"})
    return given.model(active="only", slots={"only": only}, rollout=DeclaredRollout(**changes))


def live(given, *, version="1", replicas=4, **changes):
    requests = {"requests.nvidia.com/gpu": "1"}
    only = given.slot(given.one, version=version, replicas=replicas, requests=requests, **changes)
    return ModelSeen(service=True, routing="only", slots={"only": only})


def test_another_version_is_no_switch_and_holds_nothing(given):
    model, seen = a_model(given), live(given)
    assert not moving(model, seen)
    assert replacing(model, seen)
    planned = floors(model, seen, given.now)
    assert planned.keys() == {"only"}
    assert (planned["only"].min_replicas, planned["only"].hold) == (2, None)


@pytest.mark.parametrize(
    ("rollout", "words_"),
    [
        ({}, "version 1 replaced by version 2, pod by pod: 4 pods, at most 25% more and 0 fewer meanwhile"),
        ({"surge": 0, "unavailable": 1}, "pod by pod: 4 pods, at most 0 more and 1 fewer meanwhile"),
        ({"recreate": True}, "all 4 pods of version 1 end, then version 2 starts: nobody is answered in between"),
    ],
)
def test_the_words_say_how_it_is_replaced(given, rollout, words_):
    (line,) = words(a_model(given, **rollout), live(given), given.now)
    assert words_ in line


def test_what_a_rollout_waits_for_is_listed(given):
    assert waits(a_model(given), live(given), given.now) == [
        f"iris: 2 ready pods of {given.two}",
        "iris: its answer to POST /predict",
    ]
    assert waits(a_model(given), live(given, version="2"), given.now) == []


def test_the_version_that_replaces_is_written_into_the_ledger(given):
    assert ledger(a_model(given), live(given), given.now).values()["2"]["since"] == "2026-03-01T12:00:00Z"


def taken(given, gpus, seen=None):
    quota = QuotaSeen(name="q", hard={"requests.nvidia.com/gpu": gpus}, used={"requests.nvidia.com/gpu": "4"})
    return Observed(models={"iris": seen or live(given)}, quotas={"flowers-prod": (quota,)})


def test_a_quota_without_room_for_one_pod_more_is_refused_and_what_fits_is_proposed(given):
    (refusal,) = refusals([a_model(given)], taken(given, "4"), given.now)
    assert refusal.text == (
        "the quota of namespace flowers-prod has no room for a pod of version 2 beside the former ones: "
        "requests.nvidia.com/gpu 1 more, 0 of 4 left. Raise it in teams; or set models.iris.rollout to "
        "{maxSurge: 0, maxUnavailable: 1}, or models.iris.strategy to recreate"
    )


@pytest.mark.parametrize("rollout", [{"surge": 0, "unavailable": 1}, {"recreate": True}])
def test_what_was_proposed_fits(given, rollout):
    assert refusals([a_model(given, **rollout)], taken(given, "4"), given.now) == []


def test_a_share_of_pods_that_may_be_away_is_not_counted_on(given):
    """25 % of three pods, rounded down as Kubernetes does, is none."""
    assert refusals([a_model(given, unavailable="25%")], taken(given, "4"), given.now) != []


def test_nothing_is_compared_with_the_quota_while_nothing_changes(given):
    assert refusals([a_model(given)], taken(given, "4", live(given, version="2")), given.now) == []


@pytest.mark.parametrize("kind", [ReasonKind.UNSCHEDULABLE, ReasonKind.QUOTA])
def test_a_rollout_that_finds_no_device_is_told_what_fits(given, kind):
    said = room(a_model(given), [Reason(kind=kind, text=GPU)])
    assert said.startswith("there is no nvidia.com/gpu for a pod beside the former ones: set models.iris.rollout to ")
    assert "recreate" in said


def test_a_rollout_that_needs_no_more_room_than_it_has_is_told_to_get_more(given):
    said = room(a_model(given, recreate=True), [Reason(kind=ReasonKind.UNSCHEDULABLE, text=GPU)])
    assert said == "there is no nvidia.com/gpu for its pods: give the team or the node pool more, or lower scale"


def test_what_is_no_matter_of_room_is_not_taken_for_one(given):
    assert room(a_model(given), [Reason(kind=ReasonKind.CRASH, text="CrashLoopBackOff")]) is None
    assert room(given.model(), [Reason(kind=ReasonKind.UNSCHEDULABLE, text=GPU)]) is None


def test_from_slots_to_none_is_a_switch_that_holds_what_served(given):
    seen = replace(given.live(blue=given.slot(replicas=6)), routing="blue")
    model = a_model(given)
    assert floors(model, seen, given.now)["only"].min_replicas == 6
    (line,) = words(model, seen, given.now)
    assert line.startswith("iris: 0 → 6 first, then 100 % to version 2: cold (")


def test_from_no_slots_to_some_is_a_switch_as_well(given):
    planned = floors(given.model(), live(given, replicas=6), given.now)
    assert planned["blue"].min_replicas == planned["green"].min_replicas == 6
