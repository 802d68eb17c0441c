"""An `up` that cannot end on a slot that does not carry the load: it refuses and says why."""

from __future__ import annotations

import time

import pytest

# The guard gives up after its deadline, which the stack file may set; here it is as short as a healthy slot needs.
# Refusing takes no longer than that and the rest of an `up`, on a busy machine.
DEADLINE_SECONDS = 25
REFUSED_WITHIN_SECONDS = DEADLINE_SECONDS + 60


@pytest.fixture(autouse=True)
def short_deadline(platform):
    config = platform.config()
    config["ml-platform:guard"] = {"deadline": DEADLINE_SECONDS}
    platform.write(config)


def refused(platform, *reasons: str) -> str:
    """Switch to green; assert that `up` itself, without a preview before it, refuses in time with these reasons.

    The Service is the same object in the same version afterwards.
    """
    version = platform.kubectl("get", "service", "iris", "-n", platform.namespace)["metadata"]["resourceVersion"]
    began = time.monotonic()
    done = platform.up(check=False, timeout=300, quick=True)
    seconds = time.monotonic() - began
    print(f"refused in {seconds:.1f} s:", *(line for line in done.stdout.splitlines() if "no switch" in line), sep="\n")
    assert done.returncode != 0
    assert seconds < REFUSED_WITHIN_SECONDS
    for reason in reasons:
        assert reason in done.stdout
    assert "Traceback" not in done.stdout
    service = platform.kubectl("get", "service", "iris", "-n", platform.namespace)
    assert service["metadata"]["resourceVersion"] == version
    assert service["spec"]["selector"]["ml-platform/slot"] == "blue"
    return done.stdout


def refused_by_the_preview_too(platform, *reasons: str) -> None:
    """Assert that a preview refuses what waiting cannot cure, as soon as the kubelet has tried twice."""

    def refused() -> bool:
        preview = platform.preview(check=False)
        return preview.returncode != 0 and all(reason in preview.stdout for reason in reasons)

    platform.eventually(refused, within=60, what=f"the preview refuses with {reasons}")


def put_in_green(platform, **changes) -> None:
    """Put a version with these changes into the idle slot and switch to it in one `up`."""
    versions = platform.config()["ml-platform:models"]["iris"]["versions"]
    platform.add_version("3", {**versions["2"], **changes})
    platform.model(slots={"blue": "1", "green": "3"}, active="green")


def test_a_slot_that_crashes_is_refused(platform):
    put_in_green(platform, env={"MODEL_DIRECTORY": "/nowhere"})
    refused(platform, "no switch to green", "of 2 pods of iris-green are ready", "exit code 1")
    refused_by_the_preview_too(platform, "iris-green")


def test_an_image_that_does_not_exist_is_refused(platform):
    registry = platform.config()["ml-platform:registry"]
    versions = platform.config()["ml-platform:models"]["iris"]["versions"]
    missing = {key: value for key, value in versions["2"].items() if key != "build"}
    platform.add_version("3", {**missing, "image": f"{registry}/iris@sha256:{'0' * 64}"})
    platform.model(slots={"blue": "1", "green": "3"}, active="green")
    refused(platform, "no switch to green", "of 2 pods of iris-green are ready", "0000")
    refused_by_the_preview_too(platform, "iris-green")


def test_a_slot_that_never_becomes_ready_is_refused(platform):
    put_in_green(platform, probes={"ready": "/not-a-page"})
    refused(platform, "no switch to green", "of 2 pods of iris-green are ready", "404")


def test_a_slot_whose_smoke_request_fails_is_refused_and_the_preview_says_so_next_time(platform):
    smoke = platform.config()["ml-platform:models"]["iris"]["smoke"]
    put_in_green(platform, smoke={**smoke, "path": "/not-a-page"})
    refused(platform, "no switch to green", "smoke request POST /not-a-page", "404")
    refused_by_the_preview_too(platform, "smoke")


def test_a_slot_that_the_quota_does_not_allow_is_refused_with_the_shortfall(platform):
    put_in_green(platform, resources={"cpu": "900", "memory": "1Gi"})
    refused(platform, "quota")
    refused_by_the_preview_too(platform, "quota")


def test_a_hand_changed_image_is_refused(platform):
    namespace = platform.namespace
    blue = platform.kubectl("get", "deployment", "iris-blue", "-n", namespace)
    image = blue["spec"]["template"]["spec"]["containers"][0]["image"]
    name = blue["spec"]["template"]["spec"]["containers"][0]["name"]
    platform.run("kubectl", "set", "image", "deployment/iris-green", f"{name}={image}", "-n", namespace)
    platform.set("models.iris.active", "green")
    try:
        refused(platform, "iris-green runs image", "another hand changed it")
    finally:
        platform.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", check=False)


def test_a_switch_together_with_a_change_of_the_active_slot_is_refused(platform):
    versions = platform.config()["ml-platform:models"]["iris"]["versions"]
    platform.add_version("3", {**versions["1"], "env": {"THRESHOLD": "0.9"}})
    platform.model(slots={"blue": "3", "green": "2"}, active="green")
    refused(platform, "add a version")
    refused_by_the_preview_too(platform, "add a version")
