"""A machine with an empty PATH and cache, and an upstream of its own: a file server with upstream's layout."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from sandbox.tools import network
from sandbox.tools.catalogue import CATALOGUE, GITHUB, KUBERNETES, PULUMI

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Upstream:
    """Files, served over HTTP on loopback, and the paths that were asked for."""

    root: Path
    address: str
    asked: list[str] = field(default_factory=list)

    def publish(self, path: str, content: bytes) -> str:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the directory that is all of PATH; the cache is empty and no upstream can be reached."""
    programs = tmp_path / "path"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    for source in (GITHUB, KUBERNETES, PULUMI):
        # The discard port of loopback: refused at once, as on a machine without a network.
        monkeypatch.setenv(source.variable, "http://127.0.0.1:9")
    network._probe.cache_clear()
    return programs


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = tmp_path / "upstream"
    root.mkdir()
    asked: list[str] = []

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):  # noqa: A002
            asked.append(f"{self.command} {self.path}")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for source in (GITHUB, KUBERNETES, PULUMI):
        monkeypatch.setenv(source.variable, address)
    network._probe.cache_clear()
    yield Upstream(root, address, asked)
    server.shutdown()
    thread.join()
    server.server_close()
    network._probe.cache_clear()


@pytest.fixture
def program():
    """Make the text of a program that runs here and tells a version."""

    def make(says: str) -> bytes:
        return f"#!/bin/sh\necho '{says}'\n".encode()

    return make


@pytest.fixture
def put_on_path(machine: Path):
    def put(name: str, content: bytes) -> Path:
        path = machine / name
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def no_module(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a tool that only a download can give."""
    monkeypatch.setitem(CATALOGUE, "kind", replace(CATALOGUE["kind"], module=None))
    return "kind"


@pytest.fixture
def lines() -> list[str]:
    """What was reported."""
    return []
