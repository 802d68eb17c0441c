from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.images import EngineError, ensure_busybox
from sandbox.images.slots import Slot


def traces(engine) -> dict[str, list[str]]:
    """What this engine has on the machine: processes, mounts, control groups; and bridges and tables of any Docker."""
    root = str(engine._layout.root)
    processes = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if root in (path / "cmdline").read_bytes().decode(errors="replace") and path.name != str(os.getpid()):
                processes.append(path.name)
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
    return {
        "processes": processes,
        "mounts": [
            line for line in Path("/proc/mounts").read_text().splitlines() if root in line or "/docker/" in line
        ],
        "groups": [str(path) for path in Path("/sys/fs/cgroup").rglob(engine._group)],
        "links": [path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith("docker")],
        "tables": [line for line in tables.splitlines() if "docker" in line.lower()],
    }


NOTHING = {"processes": [], "mounts": [], "groups": [], "links": [], "tables": []}


def test_a_stopped_engine_leaves_nothing_on_the_machine(new_engine):
    engine = new_engine()
    before = traces(engine)
    engine.start()
    ensure_busybox(engine)
    with contextlib.closing(engine.client()) as client:
        # One that runs when the engine is stopped, so that its shim, its mounts and its control group exist.
        client.containers.run("busybox:1.36", ["sleep", "600"], detach=True, network_mode="host")
    during = traces(engine)
    assert during["processes"]
    assert during["groups"]
    assert (during["links"], during["tables"]) == (before["links"], before["tables"])
    began = time.monotonic()
    engine.stop()
    seconds = time.monotonic() - began
    after = traces(engine)
    assert after == NOTHING | {"mounts": before["mounts"], "links": before["links"], "tables": before["tables"]}
    assert seconds < 15, f"stopping took {seconds:.1f} s"
    assert not engine._directory.exists()


def test_an_engine_that_runs_is_not_started_again(engine):
    first = engine.status()
    engine.start()
    assert engine.status().pid == first.pid
    assert engine.status().healthy


def test_stopping_twice_is_no_error(new_engine):
    engine = new_engine()
    engine.stop()
    engine.start()
    engine.stop()
    engine.stop()
    assert not engine.running


def test_a_killed_engine_frees_its_layers_and_starts_again(new_engine):
    engine = new_engine()
    engine.start()
    with contextlib.closing(engine.client()) as client:
        slot = Slot(int(Path(client.info()["DockerRootDir"]).name))
    assert slot.taken
    os.kill(engine.status().pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while slot.taken and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not slot.taken
    assert not engine.status().alive
    engine.start()
    assert engine.status().healthy


def test_an_engine_whose_start_was_killed_before_it_was_recorded_is_found_again(new_engine):
    engine = new_engine()
    engine.start()
    pid = engine.status().pid
    record = engine._layout.run / "docker.json"
    record.unlink()
    engine.start()
    assert engine.status().pid == pid
    record.unlink()
    engine.stop()
    assert traces(engine)["processes"] == []


def test_two_engines_run_side_by_side_on_layers_of_their_own(engine, new_engine):
    other = new_engine()
    other.start()
    with contextlib.closing(engine.client()) as one, contextlib.closing(other.client()) as two:
        assert one.info()["DockerRootDir"] != two.info()["DockerRootDir"]
    other.stop()
    assert engine.status().healthy


def test_a_registry_that_is_added_later_is_taken_over_by_the_running_engine(new_engine):
    engine = new_engine("10.255.0.2:5000")
    engine.start()
    pid = engine.status().pid
    later = type(engine)(engine._layout, insecure_registries=["10.255.1.2:5000"], report=print)
    later.start()
    assert later.status().pid == pid
    deadline = time.monotonic() + 10
    with contextlib.closing(engine.client()) as client:
        while time.monotonic() < deadline:
            known = client.info()["RegistryConfig"]["IndexConfigs"]
            if "10.255.1.2:5000" in known:
                break
            time.sleep(0.05)
    assert known["10.255.1.2:5000"]["Secure"] is False
    assert "10.255.0.2:5000" not in known


def test_a_directory_whose_socket_would_be_too_long_is_refused(new_engine, tmp_path):
    from sandbox.paths import Layout

    engine = new_engine()
    long = type(engine)(Layout(root=tmp_path / ("x" * 100)), report=print)
    with pytest.raises(EngineError, match="too long for a socket; choose a shorter SANDBOX_DIR"):
        long.start()


def test_an_engine_that_does_not_start_shows_the_end_of_its_log(new_engine, monkeypatch):
    engine = new_engine()
    monkeypatch.setattr(type(engine), "_command", lambda self: ["dockerd", "--no-such-flag"])
    with pytest.raises(EngineError, match=r"(?s)docker died while it was starting.*no-such-flag"):
        engine.start()
    assert traces(engine)["processes"] == []
