"""Load makes an autoscaler add pods, a switch keeps their number, and quiet takes them away."""

from __future__ import annotations

import statistics
import time

import pytest
from traffic import Watched, load_on

SCALE = {"min": 2, "max": 6, "cpu": 25, "behavior": {"scaleDown": {"stabilizationWindow": "10s"}}}
# Some 60 requests a second use several times the target of it, so the autoscaler goes to its maximum, and leave the
# machine idle enough for a latency that means something.
REQUEST = {"cpu": "50m", "memory": "128Mi"}
PAUSE = 0.05
LARGE = 6
# The engine of an `up` runs on the pods' own two cores. So what a switch costs is told from the worst ten seconds
# beside an `up` that changes nothing, of three; a fifth more than that is what a switch may cost.
WINDOW = 10
COST = 1.2


def replicas(platform, slot: str) -> int:
    found = platform.kubectl("get", "deployment", f"iris-{slot}", "-n", platform.namespace)
    return found["status"].get("readyReplicas", 0)


def p99(answers, since: float, until: float) -> float:
    return statistics.quantiles([a.ended - a.began for a in answers if since <= a.began < until], n=100)[98]


@pytest.fixture
def elastic(resting):
    platform = resting
    config = platform.config()
    config["ml-platform:teams"]["research"]["quota"] = {"requests.cpu": "2", "requests.memory": "8Gi", "pods": "32"}
    platform.write(config)
    platform.model(scale=SCALE, resources=REQUEST, idle={"soak": "20s"})
    platform.up(quick=True)
    return platform


def test_load_adds_pods_a_switch_keeps_their_number_and_quiet_takes_them_away(elastic, tmp_path):
    platform = elastic
    sizes: list[tuple[float, int]] = []
    url = platform.url()
    with Watched(platform) as watched, load_on(url, tmp_path / "answers", at_least=1, pause=PAUSE) as answers:
        began = time.time()
        platform.eventually(lambda: replicas(platform, "blue") == LARGE, within=240, what="blue has six ready pods")
        grown = time.time()
        quiet = []
        for _ in range(3):
            quiet.append(time.time())
            platform.up()
            time.sleep(max(0.0, quiet[-1] + WINDOW - time.time()))
        assert replicas(platform, "green") == SCALE["min"]
        platform.set("models.iris.active", "green")
        platform.up()
        switched = watched.switched_to("green", grown)
        while time.time() < switched + 15:
            sizes.append((time.time(), replicas(platform, "green")))
            time.sleep(0.5)
    print(f"two to six pods: {grown - began:.0f} s of load; {len(answers)} requests")
    assert not [answer for answer in answers if answer.failed]
    assert min(size for _, size in sizes) >= LARGE
    before = [p99(answers, since, since + WINDOW) for since in quiet]
    around = p99(answers, switched - 2, switched - 2 + WINDOW)
    told = ", ".join(f"{1000 * each:.0f}" for each in before)
    print(f"p99 beside an up that changes nothing: {told} ms, around the switch: {around * 1000:.0f} ms")
    platform.soak_over()
    platform.up(quick=True)  # lets go of both floors
    platform.eventually(
        lambda: replicas(platform, "green") == replicas(platform, "blue") == SCALE["min"],
        within=240,
        what="both slots are back at their minimum",
    )
    assert around <= COST * max(before)
