"""However a command ends, no process of it stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

# It waits in C code, deaf to Python's signals, and has children of its own: one as kubectl would be, and a shell's
# background job, which ignores SIGINT.
STUBBORN = """
    import ctypes, subprocess, pathlib
    child = subprocess.Popen(["sleep", "600"])
    subprocess.run(["sh", "-c", "sleep 601 &"])
    pathlib.Path("started").touch()
    ctypes.CDLL(None).sleep(600)
"""
PATIENT = """
    import asyncio, pathlib, pulumi
    async def wait():
        pathlib.Path("started").touch()
        await asyncio.sleep(600)
    pulumi.export("never", pulumi.Output.from_input(wait()))
"""


@pytest.fixture(params=[PATIENT, STUBBORN], ids=["waiting", "stuck"])
def running(project, request):
    project.describe(request.param)
    process = project.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not (project.directory / "started").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield project, process
    for pid in [process.pid, *project.processes()]:  # only after a failure is one left
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_after_ctrl_c_nothing_is_left_and_nothing_noisy_is_printed(running):
    project, process = running
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # what a user does, and what the engine asks for
    shown, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert project.gone_within(6), project.processes()
    assert "Traceback" not in shown
    assert "KeyboardInterrupt" not in shown


def test_after_a_killed_engine_nothing_is_left(running):
    project, process = running
    assert len(project.processes()) >= 3, "engine, language host and program"
    process.kill()
    assert project.gone_within(3), project.processes()


def test_a_killed_language_host_takes_its_program_along_and_fails_the_command(running):
    project, process = running
    (host,) = [pid for pid, command in project.processes().items() if "sandbox.plugins.language_python" in command]
    os.kill(host, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert project.gone_within(6), project.processes()


def test_a_command_that_was_killed_between_two_writes_leaves_a_state_that_can_be_read(project):
    """A stack's file is replaced as a whole; what the engine writes beside it is not, and may be found empty."""
    project.describe('import pulumi\npulumi.export("word", "kept")\n')
    project.run("up", "--yes", "--skip-preview")
    for beside in (project.home.parent / "state").rglob("*.attrs"):
        beside.write_text("")
    assert project.output("word") == "kept"
