"""The switch and the rollback, under load, and what they change."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

LOAD = Path(__file__).parents[1] / "support" / "load.py"
REQUESTS = 20_000
# The server closes a connection of this age at its next answer; examples/iris/server.py gives the reason.
CONNECTION_MAX_AGE_SECONDS = 10


class Watched:
    """The routing Service's selector over time, from a watch on the API server."""

    def __init__(self, platform) -> None:
        self.platform = platform
        self.seen: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            [
                "kubectl",
                "get",
                "service",
                "iris",
                "-n",
                platform.namespace,
                "--watch",
                "-o",
                "json",
                "--output-watch-events",
            ],
            env=platform.shell(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        decoder, text = json.JSONDecoder(), ""
        while chunk := self.process.stdout.readline():
            text += chunk
            try:
                event, end = decoder.raw_decode(text.lstrip())
            except ValueError:
                continue
            text = text.lstrip()[end:]
            slot = event["object"]["spec"]["selector"]["ml-platform/slot"]
            if not self.seen or self.seen[-1][1] != slot:
                self.seen.append((time.time(), slot))

    def switched_to(self, slot: str, since: float) -> float:
        return next(at for at, seen in self.seen if seen == slot and at >= since)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.thread.join()


@contextmanager
def load_on(url: str, out: Path, *, at_least: int, seconds: float = 400):
    command = [sys.executable, LOAD, url, "--at-least", str(at_least), "--at-most-seconds", str(seconds), "--out", out]
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.communicate()
    assert process.returncode == 0


def results(out: Path) -> list[tuple[float, float, str, str]]:
    return [tuple(json.loads(line)) for line in out.read_text().splitlines()]


def test_blue_to_green_to_blue_loses_no_request(platform, tmp_path):
    out = tmp_path / "results"
    watched = Watched(platform)
    with load_on(platform.url(), out, at_least=REQUESTS):
        time.sleep(3)
        began = time.time()
        platform.set("models.iris.active", "green")
        platform.up()
        time.sleep(CONNECTION_MAX_AGE_SECONDS + 3)
        back = time.time()
        platform.set("models.iris.active", "blue")
        platform.up()
        time.sleep(CONNECTION_MAX_AGE_SECONDS + 3)
    watched.stop()
    to_green, to_blue = watched.switched_to("green", began), watched.switched_to("blue", back)
    answers = results(out)
    print(Counter((kind, outcome) for _, _, kind, outcome in answers))
    assert len(answers) >= REQUESTS
    assert not [answer for answer in answers if answer[3].startswith("failed")]
    late = [
        began - switched
        for began, _, kind, version in answers
        for switched, former, until in ((to_green, "1", to_blue), (to_blue, "2", float("inf")))
        if kind == "new" and version == former and switched < began < until
    ]
    print(f"the last old answer on a new connection: {max(late, default=0):.3f} s after the switch")
    assert max(late, default=0) < 1
    kept = [
        began - switched
        for began, _, kind, version in answers
        for switched, former, until in ((to_green, "1", to_blue), (to_blue, "2", float("inf")))
        if kind == "kept" and version == former and switched < began < until
    ]
    print(f"the last old answer on a kept-alive connection: {max(kept, default=0):.1f} s after the switch")
    assert max(kept, default=0) < CONNECTION_MAX_AGE_SECONDS + 1
    assert {"1", "2"} <= {version for _, _, kind, version in answers if kind == "kept"}


def test_the_same_load_fails_when_the_former_slot_is_deleted_at_the_switch(platform, tmp_path):
    """The control: if this passed, the test above would prove nothing."""
    out, namespace = tmp_path / "results", platform.namespace
    with load_on(platform.url(), out, at_least=1000):
        time.sleep(2)
        platform.run(
            "kubectl", "delete", "pod", "-n", namespace, "-l", "ml-platform/slot=blue", "--force", "--grace-period=0"
        )
        time.sleep(2)
    assert [answer for answer in results(out) if answer[3].startswith("failed")]


def changed_objects(platform, before: dict, after: dict) -> set[str]:
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


def test_a_switch_changes_the_selector_and_floors_of_autoscalers_and_nothing_else(platform):
    before = without_replicas(specs(platform))
    platform.set("models.iris.active", "green")
    said = platform.preview().stdout
    assert "100 % to version 2" in said
    platform.up()
    assert platform.active() == "green"
    changed = changed_objects(platform, before, without_replicas(specs(platform)))
    assert changed <= {"Service/iris", "HorizontalPodAutoscaler/iris-blue", "HorizontalPodAutoscaler/iris-green"}
    assert "Service/iris" in changed


def test_going_back_is_the_same_switch(platform):
    platform.set("models.iris.active", "green")
    platform.up()
    platform.set("models.iris.active", "blue")
    platform.up()
    assert platform.active() == "blue"


def test_an_up_right_after_a_switch_changes_nothing(platform):
    platform.set("models.iris.active", "green")
    platform.up()
    again = platform.up()
    assert "updated" not in again.stdout.rpartition("Resources:")[2]


def test_a_slot_that_was_scaled_to_zero_is_woken_and_then_switched_to(platform):
    namespace = platform.namespace
    platform.run("kubectl", "scale", "deployment", "iris-green", "-n", namespace, "--replicas=0")
    platform.eventually(
        lambda: not platform.kubectl("get", "pods", "-n", namespace, "-l", "ml-platform/slot=green")["items"],
        within=60,
        what="the green slot has no pods",
    )
    platform.set("models.iris.active", "green")
    platform.up()
    assert platform.active() == "green"
    ready = platform.kubectl("get", "deployment", "iris-green", "-n", namespace)["status"].get("readyReplicas", 0)
    assert ready >= 2
