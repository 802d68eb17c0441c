"""The command, as far as it needs no control plane; and what must hold of the package around it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from review.comment import MARKER
from review.workplace import workplace
from sandbox.process import Processes

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "review", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_branch_that_is_not_there_is_named(tmp_path):
    done = run("prod", "--base", "nowhere")
    assert done.returncode == 2
    assert "git knows no nowhere: fetch it first" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stack_that_is_not_there_is_named_with_those_that_are_in_every_form_of_the_report(tmp_path):
    comment, values = tmp_path / "c.md", tmp_path / "v.json"
    done = run("produktion", "--base", "HEAD", "--markdown", str(comment), "--json", str(values))
    assert done.returncode == 2, done.stderr
    [report] = json.loads(values.read_text())
    for text in (done.stdout, comment.read_text(), report["reasons"][0]):
        assert "there is no stack produktion; stacks here: dev" in text
    assert comment.read_text().startswith(MARKER)
    assert report["verdict"] == "failed"


@pytest.mark.parametrize("path", sorted((ROOT / "review").glob("*.py")), ids=lambda path: path.stem)
def test_it_knows_the_platform_by_its_commands_alone(path):
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    assert not modules & {"infra", "components", "policies", "rollout", "pulumi"}
    if path.stem in {"comment", "__init__"}:
        assert modules <= set(sys.stdlib_module_names), "the job that comments has no environment"


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_workplace_goes_with_all_that_is_in_it(temporary):
    with workplace() as directory:
        (directory / "file").write_text("x")
        assert directory.parent == temporary
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_is_ended_by_the_next_and_what_another_runs_is_left_alone(temporary):
    with workplace() as others:
        left = temporary / "ml-platform-review-killed"
        left.mkdir()
        (left / "owner.json").write_text(json.dumps({"pid": os.getpid(), "identity": "another boot"}))
        processes = Processes(left / "cluster" / "run", left / "cluster" / "logs")
        daemon = processes.start("etcd", ["/bin/sleep", "600"])
        with workplace():
            pass
        end = time.monotonic() + 10
        while daemon.alive and time.monotonic() < end:
            time.sleep(0.05)
        assert not daemon.alive
        assert not left.exists()
        assert others.is_dir()
