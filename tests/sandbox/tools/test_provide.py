from __future__ import annotations

import os

import pytest

from sandbox.paths import cache_directory
from sandbox.tools import ToolError, provide
from sandbox.tools.cache import Slot
from sandbox.tools.catalogue import CATALOGUE


def fill_cache(name: str, content: bytes):
    slot = Slot(CATALOGUE[name])
    slot.directory.mkdir(parents=True)
    slot.program.write_bytes(content)
    slot.program.chmod(0o755)
    return slot.program


def test_a_tool_on_path_is_taken_when_its_version_will_do(put_on_path, program, lines):
    path = put_on_path("etcd", program("etcd Version: 3.4.23"))
    etcd = provide(["etcd"], report=lines.append)["etcd"]
    assert (etcd.path, etcd.version, etcd.source) == (path, "v3.4.23", "path")
    assert lines == [f"etcd v3.4.23: on PATH, {path}"]


def test_another_version_of_pulumi_on_path_is_not_taken_and_said_so(put_on_path, program, lines):
    path = put_on_path("pulumi", program("v3.254.0"))
    cached = fill_cache("pulumi", program("v3.255.0"))
    pulumi = provide(["pulumi"], report=lines.append)["pulumi"]
    assert (pulumi.path, pulumi.source) == (cached, "cache")
    assert lines[0].startswith(f"pulumi: {path} is 3.254.0; not used, it must be exactly 3.255.0")


@pytest.mark.parametrize(
    ("name", "says", "taken"),
    [
        ("kubelet", "Kubernetes v1.36.0", True),
        ("kubelet", "Kubernetes v1.35.9", False),
        ("kubelet", "Kubernetes v1.37.0", False),
        ("kubectl", "Client Version: v1.31.2\nKustomize Version: v5.4.2", True),
        ("kubectl", "Client Version: v1.30.9", False),
        ("etcd", "etcd Version: 3.3.27\nGit SHA: x", False),
        ("pulumi", "v3.255.1", False),
    ],
)
def test_the_versions_that_will_do_have_an_edge(put_on_path, program, name, says, taken):
    put_on_path(name, program(says))
    fill_cache(name, program(CATALOGUE[name].version))
    assert (provide([name], report=lambda _: None)[name].source == "path") is taken


def test_a_tool_on_path_that_does_not_run_is_not_taken(put_on_path, program, lines):
    put_on_path("etcd", b"#!/bin/sh\nexit 1\n")
    fill_cache("etcd", program("etcd Version: 3.6.8"))
    assert provide(["etcd"], report=lines.append)["etcd"].source == "cache"
    assert "does not tell its version" in lines[0]


def test_a_tool_that_is_asked_for_its_version_sees_nobodys_home_and_cluster(put_on_path, tmp_path, monkeypatch):
    """As pulumi, which logs, and Google's kubectl, which asks whatever cluster it finds, and caches the answer."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KUBECONFIG", str(home / "prod"))
    writes = 'touch "$HOME/log" "$PULUMI_HOME/log"; [ -e "$KUBECONFIG" ] || echo Client Version: v1.36.1'
    (home / "prod").touch()
    put_on_path("kubectl", f"#!/bin/sh\n{writes}\n".encode())
    assert provide(["kubectl"], report=lambda _: None)["kubectl"].source == "path"
    assert [path.name for path in home.iterdir()] == ["prod"]


def test_a_link_on_path_into_our_own_cache_counts_as_the_cache(machine, program, lines):
    cached = fill_cache("etcd", program("etcd Version: 3.6.8"))
    (machine / "etcd").symlink_to(cached)
    etcd = provide(["etcd"], report=lines.append)["etcd"]
    assert (etcd.path, etcd.source) == (cached, "cache")


def test_a_sandboxs_link_on_path_is_followed_to_the_tool_behind_it(put_on_path, program, lines, tmp_path, monkeypatch):
    path = put_on_path("etcd", program("etcd Version: 3.5.1"))
    links = tmp_path / "bin"
    links.mkdir()
    (links / "etcd").symlink_to(path)
    monkeypatch.setenv("PATH", f"{links}{os.pathsep}{os.environ['PATH']}")
    assert provide(["etcd"], report=lines.append)["etcd"].path == path


def test_an_unknown_name_is_refused_with_the_known_ones(lines):
    with pytest.raises(ToolError, match=r"no such tool: etcdd; there are etcd, kube-apiserver"):
        provide(["etcdd"], report=lines.append)


def test_a_tool_that_none_can_give_is_named_with_what_was_tried_and_what_to_install(lines, no_module):
    with pytest.raises(ToolError) as refused:
        provide([no_module], report=lines.append)
    message = str(refused.value)
    assert "kind v0.31.0 is not to be had: not on PATH" in message
    assert "http://127.0.0.1:9" in message
    assert "Install kind 0.27 or newer" in message


def test_what_only_a_download_can_give_is_tried_before_anything_is_built(lines, no_module):
    with pytest.raises(ToolError, match=no_module):
        provide(["kwok", no_module], report=lines.append)
    assert not [line for line in lines if "building" in line]


def test_a_refused_tool_leaves_no_program_in_the_cache(lines, no_module):
    with pytest.raises(ToolError):
        provide([no_module], report=lines.append)
    assert not [path for path in cache_directory().rglob("*") if path.is_file() and path.name != ".lock"]
