from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import bootstrap
from sandbox.paths import REPOSITORY


@pytest.fixture
def clone(tmp_path):
    """A repository with an environment that was made for the test set."""
    root = tmp_path / "clone"
    (root / "locks").mkdir(parents=True)
    for name in ("run", "test", "build"):
        (root / "locks" / f"{name}.txt").write_text(f"# {name}\n")
    (root / "pyproject.toml").write_text("[project]\n")
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return root


@pytest.fixture
def uv(machine, tmp_path, monkeypatch):
    """A uv on PATH that writes down what it is asked."""
    calls = tmp_path / "uv-calls"
    calls.write_text("")
    program = machine / "uv"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "uv 0.9.0" && exit\necho "$@" >> {calls}\n')
    program.chmod(0o755)
    return calls


def test_an_environment_is_made_from_the_lock_file_and_then_left_alone(clone, uv):
    assert bootstrap.ensure_environment(clone, test=False) is True
    calls = uv.read_text().splitlines()
    assert "pip sync" in calls[0]
    assert "--require-hashes" in calls[0]
    assert calls[0].endswith("locks/run.txt")
    assert "--no-deps" in calls[1]
    assert "--editable ." in calls[1]
    assert bootstrap.ensure_environment(clone, test=False) is False
    assert uv.read_text().splitlines() == calls


def test_the_test_set_is_never_taken_back(clone, uv):
    bootstrap.ensure_environment(clone, test=True)
    assert bootstrap.ensure_environment(clone, test=False) is False
    (clone / "locks" / "test.txt").write_text("# changed\n")
    assert bootstrap.ensure_environment(clone, test=False) is True
    assert [call.split()[-1] for call in uv.read_text().splitlines() if "sync" in call] == ["locks/test.txt"] * 2


def test_the_run_set_grows_to_the_test_set(clone, uv):
    bootstrap.ensure_environment(clone, test=False)
    assert bootstrap.ensure_environment(clone, test=True) is True
    assert json.loads((clone / ".venv" / "ml-platform.json").read_text())["set"] == "test"


def test_a_changed_lock_file_is_installed(clone, uv):
    bootstrap.ensure_environment(clone, test=False)
    (clone / "locks" / "run.txt").write_text("# changed\n")
    assert bootstrap.ensure_environment(clone, test=False) is True


def test_an_installation_that_failed_is_tried_again(clone, machine, uv):
    working = (machine / "uv").read_text()
    (machine / "uv").write_text('#!/bin/sh\n[ "$1" = --version ] && echo "uv 0.9.0" && exit\necho no network; exit 2\n')
    from sandbox.tools import ToolError

    with pytest.raises(ToolError, match=r"(?s)the environment cannot be installed \(pip sync\):\nno network"):
        bootstrap.ensure_environment(clone, test=False)
    (machine / "uv").write_text(working)
    assert bootstrap.ensure_environment(clone, test=False) is True


def test_an_old_python_is_told_so_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["bootstrap"])
    assert bootstrap.main() == 1
    said = capsys.readouterr().err
    assert "Python 3.11 or newer is needed" in said
    assert "is 3.9.2" in said


def test_an_old_python_can_read_the_file_that_tells_it():
    source = (REPOSITORY / "sandbox" / "bootstrap.py").read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in tree.body
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)


def test_a_second_run_takes_less_than_a_second(clone, uv):
    bootstrap.ensure_environment(clone, test=False)
    code = "import pathlib, sys; from sandbox import bootstrap; "
    code += "sys.exit(bootstrap.ensure_environment(pathlib.Path(sys.argv[1]), test=False))"
    before = os.times()
    subprocess.run([sys.executable, "-c", code, str(clone)], check=True, cwd=REPOSITORY)
    after = os.times()
    # CPU, since the machine may be busy: an idle one needs no longer than its CPU.
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1


@pytest.mark.parametrize("name", ["run", "test", "uv", "go", "build", "judge"])
def test_every_package_of_a_lock_file_has_a_hash_and_no_address(name):
    text = (REPOSITORY / "locks" / f"{name}.txt").read_text()
    assert "--index-url" not in text
    assert "://" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert packages
    assert all(line.endswith("\\") for line in packages), "a package without a hash"


def test_the_makefile_has_no_more_than_one_command_a_target():
    recipes: dict[str, list[str]] = {}
    target = ""
    for line in Path(REPOSITORY / "Makefile").read_text().splitlines():
        if line.startswith("\t"):
            recipes[target].append(line)
        elif ":" in line and not line.startswith(("#", ".")) and "=" not in line.split(":")[0]:
            target = line.split(":")[0]
            recipes.setdefault(target, [])
    assert {"help", "up", "test", "down", "status", "check", "preview", "lint"} <= set(recipes)
    assert all(len(commands) <= 1 for commands in recipes.values())


def test_a_clones_path_is_part_of_what_was_installed(clone, uv, tmp_path):
    bootstrap.ensure_environment(clone, test=False)
    moved = tmp_path / "moved"
    clone.rename(moved)
    assert bootstrap.ensure_environment(moved, test=False) is True, "an editable installation points to the old place"
