from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.process import ProcessError, Processes, identity

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)  # {}"]


@pytest.fixture
def processes(tmp_path):
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    yield processes
    processes.stop_all(processes.names(), grace=0)


def sleeping(tmp_path):
    """A command line that no other process of the machine has."""
    return [*SLEEP[:2], SLEEP[2].format(tmp_path)]


def test_a_daemon_runs_until_it_is_stopped_and_then_has_no_record(processes, tmp_path):
    record = processes.start("sleeper", sleeping(tmp_path))
    assert processes.alive("sleeper")
    assert identity(record.pid) == record.identity
    processes.stop("sleeper")
    assert identity(record.pid) is None
    assert processes.record("sleeper") is None


def test_a_second_start_finds_the_first(processes, tmp_path):
    first = processes.start("sleeper", sleeping(tmp_path))
    assert processes.start("sleeper", sleeping(tmp_path)) == first


def test_another_command_finds_the_daemon_by_its_record(processes, tmp_path):
    record = processes.start("sleeper", sleeping(tmp_path))
    other = Processes(processes.run, processes.logs)
    assert other.record("sleeper") == record
    other.stop("sleeper")
    assert not processes.alive("sleeper")


def test_a_process_whose_start_was_killed_before_its_record_is_taken_over(processes, tmp_path):
    unrecorded = subprocess.Popen(sleeping(tmp_path))
    try:
        time.sleep(0.2)
        assert processes.start("sleeper", sleeping(tmp_path)).pid == unrecorded.pid
    finally:
        unrecorded.kill()
        unrecorded.wait()


def test_a_process_that_took_over_a_dead_ones_number_is_never_signalled(processes, tmp_path):
    bystander = subprocess.Popen(sleeping(tmp_path))
    try:
        time.sleep(0.05)  # the kernel tells starts apart by ticks of 0.01 s
        record = processes.start("sleeper", [*sleeping(tmp_path), "another"])
        path = processes.run / "sleeper.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": bystander.pid}))
        assert not processes.alive("sleeper")
        processes.stop("sleeper", grace=0.1)
        assert bystander.poll() is None
        os.kill(record.pid, signal.SIGKILL)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_that_ignores_a_request_to_end_is_killed(processes, tmp_path):
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    processes.start("deaf", [sys.executable, "-c", script])
    processes.wait("deaf", lambda: "deaf" in processes.tail("deaf"), timeout=10, report=print)
    begun = time.monotonic()
    processes.stop("deaf", grace=0.3)
    assert not processes.alive("deaf")
    assert time.monotonic() - begun < 3


def test_a_process_that_dies_while_starting_is_reported_with_the_end_of_its_log(processes):
    processes.start("broken", [sys.executable, "-c", "print('no such flag: --frob'); raise SystemExit(2)"])
    with pytest.raises(ProcessError, match=r"broken died while it was starting[\s\S]*no such flag: --frob"):
        processes.wait("broken", lambda: False, timeout=10, report=print)


def test_the_limit_that_many_clusters_reach_is_named(processes):
    script = "print('inotify_init: too many open files'); raise SystemExit(1)"
    processes.start("watcher", [sys.executable, "-c", script])
    with pytest.raises(ProcessError, match=r"inotify instances a user is used up.*sysctl"):
        processes.wait("watcher", lambda: False, timeout=10, report=print)


def test_a_process_that_never_becomes_healthy_is_reported_with_the_end_of_its_log(processes):
    processes.start("slow", [sys.executable, "-c", "import time; print('thinking', flush=True); time.sleep(60)"])
    with pytest.raises(ProcessError, match=r"the thinker was not ready after 1 s[\s\S]*thinking"):
        processes.wait("slow", lambda: False, timeout=1, report=print, what="the thinker")


def test_waiting_says_every_few_seconds_what_for(processes, tmp_path):
    lines = []
    processes.start("sleeper", sleeping(tmp_path))
    with pytest.raises(ProcessError):
        processes.wait("sleeper", lambda: False, timeout=4.5, report=lines.append, what="the sleeper")
    assert lines
    assert lines[0].startswith("waiting for the sleeper")


def test_a_killed_daemon_counts_as_dead_and_is_started_again(processes, tmp_path):
    first = processes.start("sleeper", sleeping(tmp_path))
    os.kill(first.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while processes.alive("sleeper") and time.monotonic() < end:
        time.sleep(0.01)
    status = processes.status("sleeper")
    assert (status.alive, status.healthy) == (False, False)
    assert processes.start("sleeper", sleeping(tmp_path)).pid != first.pid


def test_a_process_has_ended_when_its_last_thread_has_and_not_before(processes, tmp_path):
    # What a killed server looks like for a moment: its first thread is a zombie, others still hold its sockets.
    script = (
        "import ctypes, socket, sys, threading, time; "
        "listener = socket.create_server(('127.0.0.1', 0)); "
        "open(sys.argv[1], 'w').write(str(listener.getsockname()[1])); "
        "threading.Thread(target=time.sleep, args=(2,)).start(); "
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    port = tmp_path / "port"
    record = processes.start("halved", [sys.executable, "-c", script, str(port)])
    end = time.monotonic() + 20
    while not (port.exists() and port.read_text()) or " Z " not in Path(f"/proc/{record.pid}/stat").read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert processes.alive("halved")
    while processes.alive("halved"):
        assert time.monotonic() < end
        time.sleep(0.001)
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", int(port.read_text())))


def test_status_tells_pid_memory_and_what_the_daemon_complains_about(processes, tmp_path):
    record = processes.start("sleeper", sleeping(tmp_path))
    status = processes.status("sleeper", lambda: "tired")
    assert (status.pid, status.alive, status.healthy, status.detail) == (record.pid, True, False, "tired")
    assert status.memory > 0
    assert 0 <= status.uptime < 60


def test_a_daemon_does_not_inherit_the_callers_proxies(processes, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    script = "import os, time; print('proxy' in str(os.environ), flush=True); time.sleep(60)"
    processes.start("shown", [sys.executable, "-c", script])
    processes.wait("shown", lambda: processes.tail("shown") != "", timeout=10, report=print)
    assert processes.tail("shown") == "False"
