from __future__ import annotations

import sys
from pathlib import Path

from sandbox.plugins.install import PLUGINS, install_plugins


def test_plugins_stand_where_the_engine_looks_and_a_second_time_changes_nothing(tmp_path):
    first = install_plugins(tmp_path, Path(sys.executable))
    made = {path: path.stat().st_mtime_ns for path in first}
    assert [path.name for path in first] == [plugin.executable for plugin in PLUGINS]
    assert install_plugins(tmp_path, Path(sys.executable)) == first
    assert {path: path.stat().st_mtime_ns for path in first} == made


def test_the_log_of_a_sandbox_from_before_goes_and_none_takes_its_place(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "pulumi-20261128T040000-1-up.log").write_text("all that an engine saw")
    install_plugins(tmp_path, Path(sys.executable))
    assert logs.read_bytes() == b""
    install_plugins(tmp_path, Path(sys.executable))
    assert logs.is_file()
