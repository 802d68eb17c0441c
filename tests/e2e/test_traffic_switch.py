"""What a switch changes, what it says before, and what its drain is good for."""

from __future__ import annotations

import time

import pytest
from traffic import load_on


def test_the_same_load_fails_when_the_former_slot_is_deleted_at_the_switch(platform, tmp_path):
    """The control: if this passed, test_real_switch.py would prove nothing."""
    with load_on(platform.url(), tmp_path / "results", at_least=1000) as answers:
        time.sleep(2)
        pods = ("-n", platform.namespace, "-l", "ml-platform/slot=blue")
        platform.run("kubectl", "delete", "pod", *pods, "--force", "--grace-period=0")
        time.sleep(2)
    assert [answer for answer in answers if answer.failed]


def changed_objects(before: dict, after: dict) -> set[str]:
    return {f"{kind}/{name}" for (kind, name), spec in after.items() if before.get((kind, name)) != spec}


def specs(platform) -> dict:
    listed = platform.kubectl("get", "service,deployment,hpa,pdb,networkpolicy,resourcequota", "-n", platform.namespace)
    return {
        (item["kind"], item["metadata"]["name"]): (
            item["spec"],
            item["metadata"].get("annotations", {}).get("ml-platform/hold"),
        )
        for item in listed["items"]
    }


def without_replicas(found: dict) -> dict:
    # The autoscaler owns a Deployment's replicas; its floor is what the switch changes.
    return {
        key: ({name: value for name, value in spec.items() if name != "replicas"}, hold)
        for key, (spec, hold) in found.items()
    }


@pytest.fixture(scope="module")
def story(session_platform):
    """A switch, an `up` that has nothing to do, and the way back, told once: what each said and what it left."""
    platform = session_platform
    platform.reset()
    told = {"at first": without_replicas(specs(platform))}
    platform.set("models.iris.active", "green")
    told["preview"] = platform.preview().stdout
    platform.up()
    told["switched"], told["switched to"] = without_replicas(specs(platform)), platform.active()
    told["again"] = platform.up(quick=True).stdout
    platform.set("models.iris.active", "blue")
    platform.up(quick=True)
    told["back"], told["back to"] = without_replicas(specs(platform)), platform.active()
    return told


MAY_CHANGE = {"Service/iris", "HorizontalPodAutoscaler/iris-blue", "HorizontalPodAutoscaler/iris-green"}


def test_a_preview_says_in_words_what_a_switch_will_do(story):
    assert "100 % to version 2" in story["preview"]


@pytest.mark.parametrize(("before", "after", "slot"), [("at first", "switched", "green"), ("switched", "back", "blue")])
def test_a_switch_there_or_back_changes_the_selector_and_floors_of_autoscalers_and_nothing_else(
    story, before, after, slot
):
    assert story[f"{after} to"] == slot
    changed = changed_objects(story[before], story[after])
    assert changed <= MAY_CHANGE
    assert "Service/iris" in changed


def test_an_up_right_after_a_switch_changes_nothing(story):
    assert "updated" not in story["again"].rpartition("Resources:")[2]


def test_a_slot_that_was_scaled_to_zero_is_woken_and_then_switched_to(platform):
    namespace = platform.namespace
    platform.run("kubectl", "scale", "deployment", "iris-green", "-n", namespace, "--replicas=0")
    platform.eventually(
        lambda: not platform.kubectl("get", "pods", "-n", namespace, "-l", "ml-platform/slot=green")["items"],
        within=60,
        what="the green slot has no pods",
    )
    platform.set("models.iris.active", "green")
    platform.up(quick=True)
    assert platform.active() == "green"
    ready = platform.kubectl("get", "deployment", "iris-green", "-n", namespace)["status"].get("readyReplicas", 0)
    assert ready >= 2
