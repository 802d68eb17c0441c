"""Docker engines of their own, each ended with its test."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from sandbox.images import DockerEngine
from sandbox.paths import Layout
from sandbox.tools.packages import is_root_on_apt


@pytest.fixture(scope="session")
def needs_root():
    """Skip where an engine of our own cannot run."""
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of our own needs root")
    if shutil.which("dockerd") is None and not is_root_on_apt():
        pytest.skip("dockerd is not installed, and this is no apt system")


@pytest.fixture(scope="session")
def new_engine(needs_root):
    """Make engines in short directories: a socket's path is limited to 107 characters."""
    made: list[tuple[DockerEngine, Path]] = []

    def make(*registries: str) -> DockerEngine:
        root = Path(tempfile.mkdtemp(prefix="mlp-images-"))
        engine = DockerEngine(Layout(root=root), insecure_registries=registries, report=print)
        made.append((engine, root))
        return engine

    yield make
    for engine, root in made:
        engine.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def session_engine(new_engine) -> DockerEngine:
    engine = new_engine()
    engine.start()
    return engine


@pytest.fixture
def engine(session_engine) -> DockerEngine:
    """An engine that runs, its layers those of the user's cache."""
    session_engine.start()
    return session_engine


@pytest.fixture
def client(engine):
    client = engine.client()
    yield client
    client.close()
