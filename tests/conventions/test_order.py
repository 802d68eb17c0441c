"""The suite's own order: real nodes last and alone, whatever the shuffle; what ends a platform after what uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from order import LONGEST, PARTS, SHARED, clusters_of, ordered, unit_of

TESTS = Path(__file__).parents[1]
LOGGED = """
import time
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    with Path({log!r}).open("a") as log:
        log.write("begin {module}\\n")
        log.flush()
        time.sleep(0.1)
        log.write("end {module}\\n")
"""
MODULES = (
    "policies/test_a",
    "e2e/test_real_x",
    "e2e/test_real_y",
    "e2e/test_z",
    "sandbox/a/test_a",
    "sandbox/b/test_b",
)


def item(nodeid, *, last=False):
    return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: "last" if last else None)


def test_parts_follow_each_other_and_real_nodes_come_last():
    names = ["tests/e2e/test_real_x.py::t", "tests/sandbox/a/test_a.py::t", "tests/components/test_c.py::t"]
    assert [each.nodeid for each in ordered([item(name) for name in names])] == names[::-1]


def test_the_longest_of_a_part_begin_first_and_are_there():
    paths = [str(path.relative_to(TESTS.parent)) for path in sorted(TESTS.rglob("test_*.py"))]
    # As they would be were there no such rule: each part by name, backwards.
    names = [each.nodeid for each in ordered([item(f"{path}::t") for path in reversed(paths)])]
    for part in PARTS:
        clusters = [clusters_of(name) for name in names if name.startswith(f"tests/{part}/")]
        longest = [name for name in LONGEST if name.startswith(f"tests/{part}/")]
        assert list(dict.fromkeys(clusters))[: len(longest)] == longest


def test_what_is_to_be_last_is_the_last_of_its_module_and_a_module_of_such_the_last_of_its_unit():
    down = item("tests/e2e/test_real_down.py::t", last=True)
    late, early = item("tests/e2e/test_real_x.py::late", last=True), item("tests/e2e/test_real_x.py::early")
    other = item("tests/e2e/test_real_y.py::t")
    assert ordered([down, late, early, other]) == [early, late, other, down]


def test_folders_of_the_sandbox_are_units_and_their_upper_folders_share_clusters():
    nodeid = "tests/sandbox/plugins/readiness/test_wait.py::t"
    assert (clusters_of(nodeid), unit_of(nodeid)) == ("tests/sandbox/plugins", "tests/sandbox/plugins/readiness")
    for shared in SHARED:
        assert unit_of(f"{shared}x.py::t") == clusters_of(f"{shared}y.py::t") == shared


@pytest.mark.parametrize("workers", [(), ("-n", "2"), ("-n", "3")], ids=["one process", "two workers", "three"])
def test_nothing_else_runs_while_the_tests_on_real_nodes_do(tmp_path, workers):
    log = tmp_path / "log"
    shutil.copytree(TESTS / "support", tmp_path / "tests" / "support")
    for name in ("conftest.py", "skips.yaml"):
        shutil.copy(TESTS / name, tmp_path / "tests" / name)
    # No daemons here, so no tools: the part that would provide them is told that there are none.
    conftest = tmp_path / "tests" / "conftest.py"
    conftest.write_text(conftest.read_text() + "\n\ndef provide_tools(config, nodeids):\n    pass\n")
    for module in MODULES:
        path = tmp_path / "tests" / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LOGGED.format(log=str(log), module=module))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npythonpath = tests/support\naddopts = --import-mode=importlib\nmarkers = flaky\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *workers],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = log.read_text().splitlines()
    assert len(lines) == len(MODULES) * 3 * 2
    first = next(number for number, line in enumerate(lines) if "real" in line)
    assert all("real" in line for line in lines[first:])
    assert all(line.split()[0] != following.split()[0] for line, following in pairwise(lines[first:]))
