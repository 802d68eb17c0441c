from __future__ import annotations

from dataclasses import replace

import pytest

from infra.guard.readiness import judge
from infra.observed import Reason, ReasonKind, SlotSeen

CRASH = Reason(kind=ReasonKind.CRASH, text="CrashLoopBackOff", count=3)


def test_enough_ready_pods_of_the_declared_image_are_ready(given):
    assert judge("iris-green", given.slot(given.two, replicas=4), size=4, image=given.two).missing is None


def test_more_pods_than_asked_for_will_do(given):
    assert judge("iris-green", given.slot(given.two, replicas=6), size=4, image=given.two).missing is None


def test_an_image_that_the_program_does_not_know_is_the_template_s(given):
    assert judge("iris-green", given.slot(given.two), size=2, image=None).missing is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"observed_generation": 0}, "2 of 2 pods of iris-green are ready, its Deployment has not been acted upon yet"),
        ({"updated": 1}, "1 pods of the former template are still there"),
        ({"pods": ()}, "0 of 2 pods"),
    ],
)
def test_a_rollout_under_way_is_waited_for(given, change, said):
    verdict = judge("iris-green", given.slot(given.two, **change), size=2, image=given.two)
    assert said in verdict.missing
    assert verdict.cure is verdict.dim is None


def test_ending_pods_and_pods_of_another_image_do_not_count(given):
    slot = given.slot(given.two, replicas=3)
    one, two, three = slot.pods
    slot = replace(slot, pods=(replace(one, ending=True), replace(two, image=given.one), three))
    assert judge("iris-green", slot, size=2, image=given.two).missing.startswith("1 of 2")


def test_no_deployment_and_another_hand_s_image_cannot_be_waited_for(given):
    gone = judge("iris-green", SlotSeen(), size=2, image=given.two)
    changed = judge("iris-green", given.slot(given.one), size=2, image=given.two)
    assert "does not exist" in gone.missing
    assert "another hand changed it" in changed.missing
    assert all("pulumi refresh" in verdict.cure for verdict in (gone, changed))


def test_a_crash_is_dim_only_while_nothing_is_ready(given):
    none, half = (
        given.slot(given.two, pods=tuple(replace(p, reasons=() if p.ready else (CRASH,)) for p in slot.pods))
        for slot in (given.slot(given.two, ready=0), given.slot(given.two, ready=1))
    )
    assert [judge("n", slot, size=2, image=given.two).dim for slot in (none, half)] == [CRASH, None]


def test_a_quota_is_dim_while_the_slot_lacks_pods_or_a_rollout_is_stuck_on_it(given):
    quota = Reason(kind=ReasonKind.QUOTA, text="exceeded quota")
    small = given.slot(given.two, replicas=1, desired=3, reasons=(quota,))
    stuck = given.slot(given.two, replicas=3, updated=0, reasons=(quota,))
    assert [judge("n", slot, size=3, image=given.two).dim for slot in (small, stuck)] == [quota, quota]
    assert judge("n", given.slot(given.two, replicas=3, reasons=(quota,)), size=3, image=given.two).dim is None


def test_former_pods_that_still_serve_do_not_hide_a_new_template_that_crashes(given):
    former = given.slot(given.two, replicas=2).pods
    new = given.pod(name="n", image=given.two, template="t2", created="2026-03-01T12:00:00Z", reasons=(CRASH,))
    slot = given.slot(given.two, replicas=2, current=3, updated=1, pods=(*former, new))
    assert judge("iris-green", slot, size=2, image=given.two).dim == CRASH
