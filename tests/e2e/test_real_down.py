"""`make down`: everything is as it was before `make up`, the neighbours included."""

from __future__ import annotations

import pytest

# It ends what the other tests use.
pytestmark = pytest.mark.last


def test_down_takes_less_than_15_seconds(session_platform):
    if not session_platform.is_down:
        session_platform.take_down()
    print(f"down took {session_platform.down_seconds:.1f} s")
    assert session_platform.down_seconds < 15


def test_after_down_the_machine_and_what_was_on_it_before_are_as_they_were(session_platform):
    """Processes, mounts, links, routes, firewall rules, cgroups, settings; a registry, a cluster's ports, a process."""
    if not session_platform.is_down:
        session_platform.take_down()
    assert session_platform.found.difference() == {}
