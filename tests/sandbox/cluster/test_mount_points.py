from __future__ import annotations

import subprocess

import pytest

from sandbox.cluster import mount_points as subject
from sandbox.cluster.mount_points import mount_points, remove_mount_points
from sandbox.cluster.namespaces import UNSHARE


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_what_was_made_is_removed_and_what_was_there_before_stays(tmp_path):
    made, there = tmp_path / "var" / "made", tmp_path / "there"
    there.mkdir()
    with mount_points([str(made), str(there)]):
        assert made.is_dir()
    remove_mount_points()
    assert not made.exists()
    assert there.is_dir()
    assert not subject._notes().exists()


def test_a_directory_that_somebody_has_used_since_stays(tmp_path):
    made = tmp_path / "made"
    with mount_points([str(made)]):
        pass
    (made / "theirs").touch()
    remove_mount_points()
    assert (made / "theirs").exists()


def test_the_last_sandbox_removes_it(tmp_path, real_nodes):
    made, ours = tmp_path / "made", tmp_path / "ours"
    ours.mkdir()
    with mount_points([str(made)]):
        pass
    script = f"mount --bind {ours} {made} && echo mounted && read line"
    with subprocess.Popen([*UNSHARE, "sh", "-ec", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"mounted\n"
        remove_mount_points()
        assert made.is_dir()
        other.communicate(b"\n")
    remove_mount_points()
    assert not made.exists()
