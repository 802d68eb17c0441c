"""What a switch may change, on two runs of the same program compared object by object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_models import contents, floors, scales

from components.labels import ACTIVE, HOLD, SERVED, SLOTS
from components.model import Model
from components.shares import shares


def paths(before: Any, after: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Name every place at which two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = before.keys() | after.keys()
        return {found for key in keys for found in paths(before.get(key), after.get(key), (*path, key))}
    return set() if before == after else {path}


def changes(before, after):
    """Name what the second run would change, as kind, name and path. An object that comes or goes differs whole."""
    old, new = before.objects(), after.objects()
    return {
        (*key, *path)
        for key in old.keys() | new.keys()
        for path in paths(
            dict(old[key].inputs) if key in old else None,
            dict(new[key].inputs) if key in new else None,
        )
    }


SELECTOR = ("Service", "iris", "spec", "selector", "ml-platform/slot")
FLOORS = {
    ("HorizontalPodAutoscaler", f"iris-{slot}", *path)
    for slot in SLOTS
    for path in [
        ("spec", "minReplicas"),
        ("metadata", "annotations"),
        ("metadata", "annotations", HOLD),
        ("metadata", "annotations", SERVED),
    ]
}

SIZES = {
    ("HorizontalPodAutoscaler", f"iris-{slot}", "spec", f"{end}Replicas") for slot in SLOTS for end in ("min", "max")
}


@pytest.fixture(scope="session")
def declare(engine, model_args):
    def run(**changes):
        args = model_args(**changes)
        return engine.run(lambda: Model("iris", args))

    return run


def other_than(slot):
    return "green" if slot == "blue" else "blue"


# A run of the mock engine takes 30 ms: 8 pairs are half a second, and each differs in a dozen ways. They are not
# shrunk: that takes hundreds of runs, and what differs is told by its path.
few = settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
held = st.dictionaries(st.sampled_from(SLOTS), floors)


@few
@given(blue=contents(), green=contents(), scale=scales(), former=held, later=held, active=st.sampled_from(SLOTS))
def test_a_switch_changes_the_selector_and_floors_and_nothing_else(
    declare, *, blue, green, scale, former, later, active
):
    both = {"slots": {"blue": blue, "green": green}, "scale": scale}
    before = declare(active=active, floors=former, **both)
    after = declare(active=other_than(active), floors=later, **both)
    found = changes(before, after)
    assert SELECTOR in found
    assert found <= FLOORS | {SELECTOR}


@few
@given(blue=contents(), green=contents(), scale=scales(), percent=st.integers(1, 99), active=st.sampled_from(SLOTS))
def test_sharing_the_traffic_changes_the_selector_and_sizes_of_autoscalers_and_nothing_else(
    declare, *, blue, green, scale, percent, active
):
    both = {"slots": {"blue": blue, "green": green}, "scale": scale, "active": active}
    found = changes(declare(**both), declare(shares=shares(percent, scale.min, scale.max), **both))
    assert SELECTOR in found
    assert found <= SIZES | {SELECTOR, ("Service", "iris", "metadata", "annotations", ACTIVE)}


@few
@given(kept=contents(), former=st.none() | contents(), later=st.none() | contents(), slot=st.sampled_from(SLOTS))
def test_a_slot_never_changes_because_the_other_did(declare, *, kept, former, later, slot):
    other = other_than(slot)
    before, after = (declare(active=slot, slots={slot: kept, other: held}) for held in (former, later))
    assert all(other in name for _, name, *_ in changes(before, after))


def test_an_older_version_put_back_is_exactly_what_it_was(declare, content):
    held = content("1"), content("3", env={"NEW": "1"}), content("1")
    first, second, third = (declare(slots={"blue": blue, "green": content("2")}) for blue in held)
    assert changes(first, second)
    assert changes(first, third) == set()


@pytest.mark.parametrize("slot", SLOTS)
def test_the_same_arguments_declare_the_same_twice(declare, slot):
    assert changes(declare(active=slot), declare(active=slot)) == set()
