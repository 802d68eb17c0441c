from __future__ import annotations

import pytest

from components.rollout_strategy import Rollout


def test_as_it_stands_a_pod_goes_only_when_its_successor_is_ready():
    assert Rollout().deployment(deadline=720) == {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": 720,
    }


def test_recreate_ends_every_pod_before_the_first_new_one():
    assert Rollout(strategy="recreate").deployment(deadline=720)["strategy"] == {"type": "Recreate"}


def test_a_pod_that_must_prove_itself_gets_the_time_for_it():
    fields = Rollout(min_ready_seconds=60).deployment(deadline=720)
    assert (fields["minReadySeconds"], fields["progressDeadlineSeconds"]) == (60, 780)


def test_a_deadline_that_was_asked_for_is_kept():
    assert Rollout(progress_deadline_seconds=90).deployment(deadline=720)["progressDeadlineSeconds"] == 90


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_surge": 0}, "are both 0"),
        ({"max_surge": "0%"}, "are both 0"),
        ({"min_ready_seconds": 60, "progress_deadline_seconds": 60}, "60 is not above minReadySeconds: 60"),
    ],
)
def test_what_the_api_server_refuses_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Rollout(**changes)


@pytest.mark.parametrize("changes", [{"max_surge": "10%"}, {"max_surge": 0, "max_unavailable": 1}])
def test_room_on_either_side_will_do(changes):
    assert Rollout(**changes).strategy == "rolling"
