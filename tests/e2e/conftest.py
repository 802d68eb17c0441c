from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

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
    with TemporaryDirectory(prefix="ml-platform-e2e-", ignore_cleanup_errors=True) as name:
        clone = Path(name) / "clone"
        with neighbours(Path(name) / "neighbours") as theirs:
            found = Found(clone, theirs)
            platform = Platform.make(clone)
            platform.found = found
            try:
                platform.bring_up()
                yield platform
            finally:
                if not platform.is_down:
                    platform.take_down()


@pytest.fixture
def platform(session_platform):
    """The platform as the first `up` made it: blue with version 1 active, green with version 2 beside it."""
    session_platform.reset()
    return session_platform


@pytest.fixture
def resting(platform):
    """That platform when no soak is on: an `up` of it changes nothing, however late it runs."""
    platform.let_go()
    return platform
