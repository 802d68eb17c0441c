"""What a switch may change, on two runs of the same program compared object by object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.labels import HOLD, SERVED, SLOTS
from components.model import Model
from components.model_slot import Floor, Scale
from components.slot_pods import Probes, Resources, SlotContent


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

contents = st.builds(
    SlotContent,
    version=st.sampled_from(["1", "2", "2024.1"]),
    image=st.sampled_from(["iris@sha256:1", "iris@sha256:2"]),
    port=st.sampled_from([8080, 9000]),
    resources=st.sampled_from([Resources(cpu="500m", memory="1Gi"), Resources(cpu="2", memory="8Gi", gpu=1)]),
    probes=st.just(Probes(ready="/r", live="/l", start="/s", start_within=60)),
    drain=st.sampled_from([0, 15]),
    env=st.dictionaries(st.sampled_from("AB"), st.text(max_size=3), max_size=2),
    secret_env=st.dictionaries(st.sampled_from("KL"), st.text(max_size=3), max_size=1),
)
scales = st.builds(lambda least, more: Scale(min=least, max=least + more, cpu=60), st.integers(1, 5), st.integers(0, 5))
floors = st.dictionaries(
    st.sampled_from(SLOTS),
    st.builds(
        Floor,
        min_replicas=st.integers(0, 12),
        hold=st.sampled_from([None, "4 until 2026-03-01T12:00:00Z", "6 until 2026-03-01T13:00:00Z"]),
        served=st.sampled_from([None, "{}", '{"1":{"since":"2026-03-01T12:00:00Z"}}']),
    ),
)


@pytest.fixture(scope="session")
def declare(engine, model_args):
    def run(**changes):
        args = model_args(**changes)
        return engine.run(lambda: Model("iris", args))

    return run


def other_than(slot):
    return "green" if slot == "blue" else "blue"


# A run of the mock engine takes 30 ms: 15 pairs are a second, and each pair differs in a dozen ways.
@settings(max_examples=15, deadline=None)
@given(blue=contents, green=contents, scale=scales, former=floors, later=floors, active=st.sampled_from(SLOTS))
def test_a_switch_changes_the_selector_and_floors_and_nothing_else(
    declare, *, blue, green, scale, former, later, active
):
    both = {"slots": {"blue": blue, "green": green}, "scale": scale}
    before = declare(active=active, floors=former, **both)
    after = declare(active=other_than(active), floors=later, **both)
    found = changes(before, after)
    assert SELECTOR in found
    assert found <= FLOORS | {SELECTOR}


@settings(max_examples=15, deadline=None)
@given(kept=contents, former=st.none() | contents, later=st.none() | contents, slot=st.sampled_from(SLOTS))
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
