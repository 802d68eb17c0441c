from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.paths import Layout
from sandbox.process import identity
from sandbox.under_way import interrupt, under_way

UP = """
import os, subprocess, sys
from pathlib import Path
from sandbox.paths import Layout
from sandbox.tools.running import run_reporting
from sandbox.under_way import under_way

layout = Layout(root=Path(sys.argv[1]))
with under_way(layout):
    daemon = subprocess.Popen([sys.argv[2], "60"], start_new_session=True)
    run_reporting(["sh", "-c", f"echo {daemon.pid} $$ > {sys.argv[1]}/pids; exec {sys.argv[2]} 61"],
                  doing="a build", report=print, env=os.environ)
"""


@pytest.fixture
def sleep(machine):
    path = Path("/bin/sleep")
    (machine / "sh").symlink_to("/bin/sh")
    return shutil.which("sleep", path=str(path.parent))


def test_a_build_under_way_ends_with_its_up_and_daemons_and_callers_do_not(tmp_path, sleep):
    root = tmp_path / "sandbox"
    lines = []
    with subprocess.Popen([sys.executable, "-c", UP, str(root), sleep]) as up:
        end = time.monotonic() + 20
        while not (root / "pids").exists() or len((root / "pids").read_text().split()) < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        daemon, build = (int(pid) for pid in (root / "pids").read_text().split())
        interrupt(Layout(root=root), lines.append)
        up.wait(5)
    assert lines == [f"interrupting the `make up` that is under way (pid {up.pid})"]
    assert identity(build) is None
    assert identity(daemon) is not None
    os.kill(daemon, signal.SIGKILL)
    assert list(root.glob("up-*")) == []


def test_the_note_of_an_up_that_was_killed_ends_nobody(tmp_path):
    layout = Layout(root=tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        # Its number belongs to another process now.
        (tmp_path / f"up-{other.pid}").write_text("another boot/1")
        interrupt(layout, print)
        assert other.poll() is None
        other.kill()
    assert list(tmp_path.glob("up-*")) == []


def test_an_up_that_is_through_leaves_no_note(tmp_path):
    with under_way(Layout(root=tmp_path)):
        assert len(list(tmp_path.glob("up-*"))) == 1
    assert list(tmp_path.glob("up-*")) == []
