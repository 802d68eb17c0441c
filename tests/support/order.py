"""The order of the suite: which part a test belongs to, which tests share clusters, which come last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

# Quick parts first: a mistake in a component is told in seconds, not after the cluster's tests.
PARTS = ("conventions", "components", "infra", "policies", "rollout", "review", "examples", "clouds", "e2e", "sandbox")
# Parts that start daemons, for which tools are provided.
WITH_DAEMONS = ("sandbox", "e2e", "bench")
# End-to-end modules of this name share one platform on real nodes, and a machine that does nothing else: they measure
# it, so they come after all others.
REAL = "tests/e2e/test_real_"
# These share one as well, a second and a third, and measure nothing that others could disturb.
TOLERANT = "tests/e2e/test_tolerant_"
TRAFFIC = "tests/e2e/test_traffic_"
SHARED = (REAL, TOLERANT, TRAFFIC)
# What takes minutes begins first in its part, so that no worker is left with it when the others are done.
LONGEST = (
    TOLERANT,
    TRAFFIC,
    "tests/e2e/test_interruption.py",
    "tests/sandbox/guard",
    "tests/sandbox/cluster",
    "tests/sandbox/autoscaling",
    "tests/sandbox/review",
)


def part_of(nodeid: str) -> str:
    return nodeid.split("/")[1] if nodeid.count("/") > 1 else "other"


def module_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def clusters_of(nodeid: str) -> str:
    """Return what stands for the clusters and engines that this test shares with others: `tests/sandbox/plugins`."""
    for shared in SHARED:
        if nodeid.startswith(shared):
            return shared
    return module_of(nodeid) if part_of(nodeid) == "e2e" else "/".join(module_of(nodeid).split("/")[:-1][:3])


def unit_of(nodeid: str) -> str:
    """Return what one worker is given whole: a folder; of end-to-end tests a file, or all that share a platform."""
    return clusters_of(nodeid) if part_of(nodeid) == "e2e" else module_of(nodeid).rpartition("/")[0]


def place_in(names: Sequence[str], name: str) -> int:
    """Return where a name stands among these; after all of them if it is none."""
    return names.index(name) if name in names else len(names)


def ordered(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the items by part, the longest first, by what they share, by unit and by module, each as it was shuffled.

    What is marked `last` is the last of its module, and a module that is wholly so the last of its unit.
    """
    early = {module_of(item.nodeid) for item in items if not item.get_closest_marker("last")}
    places: dict[str, int] = {}
    for place, item in enumerate(items):
        for group in (clusters_of(item.nodeid), unit_of(item.nodeid), module_of(item.nodeid)):
            places.setdefault(group, place)

    def key(item: pytest.Item) -> tuple[int | bool, ...]:
        nodeid, part = item.nodeid, part_of(item.nodeid)
        return (
            nodeid.startswith(REAL),
            place_in(PARTS, part),
            place_in(LONGEST, clusters_of(nodeid)),
            places[clusters_of(nodeid)],
            places[unit_of(nodeid)],
            module_of(nodeid) not in early,
            places[module_of(nodeid)],
            item.get_closest_marker("last") is not None,
        )

    return sorted(items, key=key)
