from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from machine import Found
from neighbours import neighbours
from served import Platform

from sandbox.cluster import choose_nodes


@pytest.fixture(scope="session")
def session_platform():
    choice = choose_nodes()
    if choice.kind != "real":
        pytest.skip(f"simulated nodes run no containers: {choice.why}")
    root = Path(tempfile.mkdtemp(prefix="ml-platform-e2e-"))
    with neighbours(root / "neighbours") as theirs:
        found = Found(root / "clone", theirs)
        platform = Platform.make(root / "clone")
        platform.found = found
        try:
            platform.bring_up()
            yield platform
        finally:
            if not platform.is_down:
                platform.take_down()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def platform(session_platform):
    """The platform as the first `up` made it: blue with version 1 active, green with version 2 beside it."""
    session_platform.reset()
    return session_platform
