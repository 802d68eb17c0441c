from __future__ import annotations

import sys

from sandbox.cluster.supervisor import Backoff, supervise
from sandbox.process import Processes


def test_the_first_restart_is_at_once_and_each_further_one_later():
    backoff, began, waits = Backoff(), 1000.0, []
    for _ in range(9):
        dies = now = began + 0.1
        while not backoff.due(now, began):
            now += 0.01
        waits.append(round(now - dies, 1))
        began = now
    assert waits == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_daemon_that_ran_for_a_minute_is_started_again_at_once():
    backoff = Backoff()
    assert backoff.due(10.0, 9.9)
    assert not backoff.due(10.2, 10.1)
    assert backoff.due(11.0, 10.1)
    assert backoff.due(100.0, 11.0)


def test_what_died_is_started_again_and_what_was_stopped_is_not(tmp_path):
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    # The supervisor goes on as long as the namespaces' holder: here as long as this lives.
    processes.start("namespaces", [sys.executable, "-c", f"import time; time.sleep(4)  # {tmp_path}"])
    twice = f"import os, time; print(os.environ['KUBECONFIG'], flush=True); time.sleep(1)  # {tmp_path}"
    processes.start("mortal", [sys.executable, "-c", twice], environment={"KUBECONFIG": "kept"})
    processes.start("stopped", [sys.executable, "-c", f"import time; time.sleep(60)  # {tmp_path} stopped"])
    processes.stop("stopped")
    supervise(processes, ["mortal", "stopped"])
    processes.stop("namespaces")
    record = processes.record("mortal")
    processes.stop("mortal")
    assert record.restarts >= 1
    assert processes.tail("mortal").splitlines() == ["kept"] * (record.restarts + 1)
    assert processes.record("stopped") is None
