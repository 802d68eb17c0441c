"""Commands beside preview and up that ask the language host something."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sandbox.plugins.install import PLUGINS, install_plugins


@pytest.fixture
def empty(project):
    project.describe("")
    return project


def test_about_names_the_python_and_the_packages_of_the_project(empty):
    about = json.loads(empty.run("about", "--json"))
    assert about["runtime"]["executable"] == f"{sys.prefix}/bin/python"
    assert about["runtime"]["version"] == platform.python_version()
    listed = {package["name"]: package["version"] for package in about["dependencies"]}
    assert listed["ml-platform"] == metadata.version("ml-platform")


def test_the_engine_lists_our_plugins_with_their_versions_and_warns_of_none(empty):
    listed = json.loads(empty.run("plugin", "ls", "--json"))
    found = {(p["kind"], p["name"], p["version"]) for p in listed}
    assert {
        ("language", "python", "3.255.0"),
        ("resource", "kubernetes", "4.34.2"),
        ("resource", "docker", "5.2.0"),
    } <= found
    assert "warning" not in empty.run("preview")


def test_an_installed_environment_is_left_as_it_is(empty):
    # One of its own: the one that runs the tests has packages of clouds, whose plugins cannot be had everywhere.
    empty.write("Pulumi.yaml", "name: scratch\nruntime: {name: python, options: {virtualenv: made}}\n")
    empty.run("install")
    made = (empty.directory / "made/pyvenv.cfg").stat()
    empty.run("install")
    assert (empty.directory / "made/pyvenv.cfg").stat() == made


def test_a_missing_environment_is_made(empty):
    empty.write("Pulumi.yaml", "name: scratch\nruntime: {name: python, options: {virtualenv: made}}\n")
    empty.run("install")
    assert (empty.directory / "made/bin/python").exists()


def test_a_failing_installation_fails_the_command_and_shows_the_tools_own_words(empty):
    # An environment of the project's own: the one that runs the tests was made by uv and has no pip.
    empty.write("Pulumi.yaml", "name: scratch\nruntime: {name: python, options: {virtualenv: made}}\n")
    empty.write("requirements.txt", "--no-index\nno-such-distribution-anywhere==1\n")
    shown = empty.run("install", succeeds=False)
    assert "no-such-distribution-anywhere" in shown


def test_an_unknown_toolchain_is_named_with_the_known_ones(empty):
    empty.write("Pulumi.yaml", "name: scratch\nruntime: {name: python, options: {toolchain: poetry}}\n")
    shown = empty.run("preview", succeeds=False)
    assert "poetry" in shown
    assert "pip, uv" in shown


def test_installing_twice_touches_nothing_and_mends_what_is_broken(tmp_path):
    first = install_plugins(tmp_path, Path(sys.executable))
    times = [path.stat().st_mtime_ns for path in first]
    assert [path.stat().st_mtime_ns for path in install_plugins(tmp_path, Path(sys.executable))] == times
    first[0].write_text("#!/bin/sh\nhalf")
    install_plugins(tmp_path, Path(sys.executable))
    assert "exec" in first[0].read_text()
    assert len(first) == len(PLUGINS)
    assert all(sorted(path.parent.iterdir()) == [path] for path in first)


def test_an_official_plugin_that_is_there_already_stays(tmp_path):
    (first, *_) = install_plugins(tmp_path, Path(sys.executable))
    first.write_bytes(b"\x7fELF\x02\x01\xff")
    install_plugins(tmp_path, Path(sys.executable))
    assert first.read_bytes().startswith(b"\x7fELF")
