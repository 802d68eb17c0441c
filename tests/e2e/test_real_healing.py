"""What users see when a process, a pod or a node's kubelet is killed, and how long until full strength."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import psutil
from traffic import load_on

FULL = 2


def ready(platform) -> bool:
    found = platform.kubectl("get", "deployment", "iris-blue", "-n", platform.namespace)
    return found["status"].get("readyReplicas", 0) >= FULL


def pods(platform) -> list[dict]:
    return platform.kubectl("get", "pods", "-n", platform.namespace, "-l", "ml-platform/slot=blue")["items"]


def server_of(pod) -> psutil.Process:
    """Find the model server's process of a pod, by the name that its kubelet gave the pod."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        if (process.info["environ"] or {}).get("HOSTNAME") == pod["metadata"]["name"]:
            return process
    raise AssertionError("no process of the pod is there")


def killed_under_load(platform, tmp_path, kill) -> tuple[Counter, float]:
    """Kill while requests come in; return what they met, and the seconds until full strength."""
    with load_on(platform.url(), tmp_path / "answers", at_least=1000) as answers:
        time.sleep(2)
        began = time.monotonic()
        kill()
        time.sleep(0.5)
        platform.eventually(lambda: ready(platform), within=120, what="the slot is at full strength again")
        seconds = time.monotonic() - began
        time.sleep(3)
    after = [answer for answer in answers if answer.began > answers[-1].ended - 2]
    assert not [answer for answer in after if answer.failed]
    met = Counter("failed" if answer.failed else "answered" for answer in answers)
    print(f"{dict(met)}, full strength after {seconds:.1f} s")
    return met, seconds


def test_a_killed_model_server_is_started_again_by_its_kubelet(platform, tmp_path):
    pod = pods(platform)[0]
    met, seconds = killed_under_load(platform, tmp_path, lambda: os.kill(server_of(pod).pid, signal.SIGKILL))
    again = next(p for p in pods(platform) if p["metadata"]["name"] == pod["metadata"]["name"])
    assert again["status"]["containerStatuses"][0]["restartCount"] == 1
    # Requests under way in the process are lost, and those sent to it until its readiness probe has failed twice.
    assert met["failed"] < met["answered"] / 2
    assert seconds < 60


def test_a_deleted_pod_is_drained_and_replaced_without_a_lost_request(platform, tmp_path):
    pod = pods(platform)[0]["metadata"]["name"]
    delete = ("kubectl", "delete", "pod", pod, "-n", platform.namespace, "--wait=false")
    met, seconds = killed_under_load(platform, tmp_path, lambda: platform.run(*delete))
    assert met["failed"] == 0
    assert seconds < 60


def test_a_killed_kubelet_is_back_and_nobody_notices(platform, tmp_path):
    def kubelet() -> psutil.Process:
        found = [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if process.info["name"] == "kubelet" and str(platform.directory) in " ".join(process.info["cmdline"])
        ]
        assert len(found) == 1, found
        return found[0]

    former = kubelet()
    met, _ = killed_under_load(platform, tmp_path, former.kill)
    platform.eventually(lambda: kubelet().pid != former.pid, within=30, what="another kubelet runs")
    assert met["failed"] == 0
