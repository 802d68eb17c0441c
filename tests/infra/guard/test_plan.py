from __future__ import annotations

from dataclasses import replace

import pytest

from infra.guard.images import same_image
from infra.guard.plan import refusals, switch_refusals
from infra.guard.words import waits, words
from infra.observed import Observed, QuotaSeen, Reason, ReasonKind, Scope

CRASH = Reason(kind=ReasonKind.CRASH, text="container model CrashLoopBackOff (exit code 1), 5 restarts", count=5)


def broken(given, reason, **changes):
    """Give a green slot no pod of which is ready, for this reason."""
    pods = tuple(given.pod(name=f"iris-green-{i}", image=given.two, template="t", reasons=(reason,)) for i in range(2))
    return given.slot(given.two, ready=0, pods=pods, **changes)


def observed(seen, *quotas):
    return Observed(models={"iris": seen}, quotas={"flowers-prod": quotas})


def test_a_switch_to_a_small_slot_says_that_it_grows_first(given):
    seen = given.live(blue=given.slot(given.one, replicas=4))
    (line,) = words(given.model(active="green"), seen, given.now)
    assert line == (
        "iris: green 2 → 4 first, then 100 % to version 2: cold (no start of it is known); "
        "both slots keep at least 4 until 2026-03-01T12:11:00Z"
    )


def test_a_switch_to_a_slot_that_runs_enough_is_warm(given):
    (line,) = words(given.model(active="green"), given.live(), given.now)
    assert line.startswith("iris: green runs 2, then 100 % to version 2: warm (seconds)")


def test_a_switch_to_a_slot_whose_version_changes_is_cold(given):
    seen = given.live(green=given.slot(given.two, content="older"))
    (line,) = words(given.model(active="green"), seen, given.now)
    assert "green 2 replaced by version 2 first" in line
    assert "100 % to it: cold (" in line


def test_the_first_deployment_waits_for_the_active_slot_alone(given):
    seen = given.live(routing=None, blue=given.slot(given.one, replicas=0))
    assert words(given.model(), seen, given.now) == [
        "iris: blue 0 → 2 first, then 100 % to version 1 (first deployment)"
    ]
    assert waits(given.model(), seen, given.now) == [
        f"iris-blue: 2 ready pods of {given.one}",
        "iris-blue: its answer to POST /predict",
    ]


def test_a_model_at_rest_needs_no_words(given):
    assert words(given.model(), given.live(), given.now) == []
    assert waits(given.model(), given.live(), given.now) == []


def test_letting_go_of_a_hold_is_named(given):
    over = "6 until 2026-03-01T11:00:00Z"
    seen = given.live(blue=given.slot(hold=over), green=given.slot(given.two, hold="a lot"))
    assert words(given.model(), seen, given.now) == [
        f"iris: blue: the hold of {over} is over, its floor returns to 2",
        'iris: green: "a lot" is no hold, its floor returns to 2',
    ]


def test_an_active_slot_without_a_version_is_refused(given):
    model = given.model(active="green", slots={"blue": given.model().slots["blue"]})
    (refusal,) = refusals([model], observed(given.live()), given.now)
    assert str(refusal) == ("iris: active is green, but slot green has no version: name one in models.iris.slots.green")


@pytest.mark.parametrize("kind", [ReasonKind.CRASH, ReasonKind.IMAGE])
def test_a_slot_that_is_declared_so_and_does_not_run_is_refused_with_its_reason(given, kind):
    reason = Reason(kind=kind, text="the cluster's own words", count=2)
    (text,) = switch_refusals(given.model(active="green"), given.live(green=broken(given, reason)))
    assert text == "iris-green already is version 2 and does not run: the cluster's own words"


@pytest.mark.parametrize(
    "reason",
    [
        Reason(kind=ReasonKind.CRASH, text="first crash", count=1),
        Reason(kind=ReasonKind.IMAGE, text="first failed pull", count=1),
        Reason(kind=ReasonKind.PROBE, text="readiness probe", count=50),
        Reason(kind=ReasonKind.UNSCHEDULABLE, text="no node yet", count=9),
        Reason(kind=ReasonKind.STARTING, text="phase Pending"),
    ],
    ids=lambda reason: reason.text,
)
def test_what_waiting_may_cure_is_not_refused_in_a_preview(given, reason):
    assert switch_refusals(given.model(active="green"), given.live(green=broken(given, reason))) == []


def test_a_broken_slot_that_this_plan_changes_is_not_refused(given):
    seen = given.live(green=broken(given, CRASH, content="older"))
    assert switch_refusals(given.model(active="green"), seen) == []


def test_a_broken_slot_that_is_not_switched_to_is_left_alone(given):
    assert switch_refusals(given.model(), given.live(green=broken(given, CRASH))) == []


def test_the_pods_of_a_former_template_say_nothing_against_the_new_one(given):
    old = given.pod(name="a", image=given.two, template="old", created="2026-03-01T10:00:00Z", reasons=(CRASH,))
    new = given.pod(name="b", image=given.two, template="new", created="2026-03-01T11:00:00Z")
    seen = given.live(green=given.slot(given.two, ready=0, pods=(old, new)))
    assert switch_refusals(given.model(active="green"), seen) == []


def test_a_change_of_the_serving_slot_together_with_the_switch_is_refused(given):
    seen = given.live(blue=given.slot(given.one, content="as deployed before"))
    (text,) = switch_refusals(given.model(active="green"), seen)
    assert "slot blue, which serves now, would change together with the switch to green" in text
    assert "add a version instead" in text


def test_an_image_that_another_hand_changed_is_refused(given):
    other = "registry.example.com/iris@sha256:" + "9" * 64
    (text,) = switch_refusals(given.model(active="green"), given.live(green=given.slot(other)))
    assert other in text
    assert given.two in text
    assert "pulumi refresh" in text


def test_a_quota_too_small_for_both_slots_is_refused_with_what_is_missing(given):
    quota = QuotaSeen(name="q", hard={"requests.cpu": "5", "pods": "50"}, used={"requests.cpu": "4500m", "pods": "8"})
    seen = given.live(blue=given.slot(given.one, replicas=6))
    (refusal,) = refusals([given.model(active="green")], observed(seen, quota), given.now)
    assert "flowers-prod is too small" in refusal.text
    assert "requests.cpu 2 more, 500m of 5 left" in refusal.text
    assert "pods" not in refusal.text


@pytest.mark.parametrize(
    ("cpu", "said"),
    [("500m", []), ("2500m", []), ("2600m", ["requests.cpu 4200m more, 4 of 6 left"])],
    ids=["as the former", "fills the quota", "exceeds it"],
)
def test_a_new_version_takes_the_place_of_the_former_one_in_a_quota(given, cpu, said):
    quota = QuotaSeen(name="q", hard={"requests.cpu": "6"}, used={"requests.cpu": "2"})
    seen = given.live(green=given.slot(given.two, version="1", content="older", requests={"requests.cpu": "500m"}))
    slots = given.model().slots
    model = given.model(
        active="green", slots={**slots, "green": replace(slots["green"], requests={"requests.cpu": cpu})}
    )
    found = [refusal.text.partition("size: ")[2] for refusal in refusals([model], observed(seen, quota), given.now)]
    assert [text.partition(". Raise")[0] for text in found] == said


def test_one_pod_of_a_new_version_must_fit_beside_all_former_ones(given):
    quota = QuotaSeen(name="q", hard={"pods": "4"}, used={"pods": "4"})
    seen = given.live(green=given.slot(given.two, version="1", content="older"))
    (refusal,) = refusals([given.model(active="green")], observed(seen, quota), given.now)
    assert "pods 1 more, 0 of 4 left" in refusal.text


def test_a_quota_that_the_same_plan_raises_is_enough(given):
    quota = QuotaSeen(name="quota", hard={"requests.cpu": "5"}, used={"requests.cpu": "4500m"})
    seen = given.live(blue=given.slot(given.one, replicas=6))
    model = given.model(active="green", quotas={"quota": {"requests.cpu": "10"}})
    assert refusals([model], observed(seen, quota), given.now) == []
    # Not where it is another's, which the plan leaves as it is.
    (refusal,) = refusals([model], observed(seen, replace(quota, name="finance")), given.now)
    assert "requests.cpu 2 more, 500m of 5 left" in refusal.text


@pytest.mark.parametrize(("priority_class", "said"), [("serving-prod", 1), ("batch-prod", 0), (None, 0)])
def test_a_quota_of_one_priority_class_is_compared_with_models_of_that_class(given, priority_class, said):
    scopes = (Scope(name="PriorityClass", operator="In", values=frozenset({"serving-prod"})),)
    quota = QuotaSeen(name="quota-serving", hard={"pods": "4"}, used={"pods": "4"}, scopes=scopes)
    seen = given.live(blue=given.slot(given.one, replicas=6))
    model = given.model(active="green", priority_class=priority_class)
    found = refusals([model], observed(seen, quota), given.now)
    assert ["pods 4 more, 0 of 4 left in quota-serving" in refusal.text for refusal in found] == [True] * said


def test_a_quota_of_a_class_that_is_yet_to_be_made_counts_only_its_models(given):
    seen = given.live(routing=None, blue=given.slot(replicas=0), green=given.slot(replicas=0))
    quotas = {"quota": {"pods": "50"}, "quota-serving": {"pods": "3"}}
    serving = given.model(quotas=quotas, priority_class="serving-prod")
    other = given.model(name="other", quotas={"quota": {"pods": "50"}})
    (refusal,) = refusals([serving, other], Observed(models={"iris": seen, "other": seen}), given.now)
    assert refusal.model == "iris"
    assert "pods 4 more, 3 of 3 left in quota-serving" in refusal.text


def test_a_first_deployment_is_compared_with_the_quota_that_comes_with_it(given):
    model = given.model(quotas={"quota": {"requests.memory": "3Gi"}})
    seen = given.live(routing=None, blue=given.slot(replicas=0), green=given.slot(replicas=0))
    (refusal,) = refusals([model], observed(seen), given.now)
    assert "requests.memory 4Gi more, 3Gi of 3Gi left" in refusal.text


def test_an_unreachable_cluster_leaves_only_what_the_stack_itself_says(given):
    unreachable = Observed(unreachable="no route")
    assert refusals([given.model(active="green", quotas={"quota": {"pods": "1"}})], unreachable, given.now) == []


def test_images_are_told_apart_by_digest_and_not_by_registry(given):
    mirrored = given.one.replace("registry.example.com", "mirror.example.org:5000")
    assert same_image(given.one, mirrored)
    assert not same_image(given.one, given.two)
    assert not same_image("iris:1", "mirror.example.org/iris:1")
    assert same_image("iris:1", "iris:1")
