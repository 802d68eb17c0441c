from __future__ import annotations

import os
import shutil

import pytest

from sandbox.cluster import ClusterError, choose_nodes


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    monkeypatch.delenv("SANDBOX_NODES", raising=False)
    # Without an engine of the machine's own, which would be preferred.
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.parametrize("kind", ["kind", "real", "simulated"])
def test_a_wish_decides(monkeypatch, kind):
    monkeypatch.setenv("SANDBOX_NODES", kind)
    choice = choose_nodes()
    assert choice.kind == kind
    assert "SANDBOX_NODES" in choice.why


def test_an_unknown_wish_is_refused_with_what_is_allowed(monkeypatch):
    monkeypatch.setenv("SANDBOX_NODES", "many")
    with pytest.raises(ClusterError, match="SANDBOX_NODES=many: it may be kind, real or simulated"):
        choose_nodes()


def test_an_ordinary_user_gets_simulated_nodes(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    choice = choose_nodes()
    assert choice.kind == "simulated"
    assert choice.why.startswith("real nodes need root (no kind: ")


def test_a_machine_that_lacks_programs_and_apt_gets_simulated_nodes_and_their_names(monkeypatch):
    found = shutil.which
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("sandbox.cluster.choice._has_capability", lambda number: True)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in {"containerd", "apt-get"} else found(name))
    choice = choose_nodes()
    assert choice.kind == "simulated"
    assert "containerd" in choice.why


def test_a_choice_always_says_why():
    assert choose_nodes().why
