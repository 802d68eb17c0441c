"""Properties that hold for every configuration, found by trying many."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.settings import SECURE, Document, Settings, SettingsError

if TYPE_CHECKING:
    from infra.settings.errors import KeyPath

# Names that the user chooses: another name there is another team or version, not a mistake in itself.
_CHOSEN = {("teams",), ("models",), ("secrets",)}
_CHOSEN_KEYS = {"quota", "versions", "env", "secretEnv", "args", "body", "json", "rows"}

# The same examples on every machine and however busy it is, and no database left behind.
fixed = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
cores = st.integers(1, 400).map(lambda number: f"{number}m")
sizes = st.integers(1, 2048).map(lambda number: f"{number}Mi")
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda digits: f"model@sha256:{digits}")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECURE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def models(draw: st.DrawFn, team: str) -> dict[str, Any]:
    versions = draw(st.dictionaries(names, st.fixed_dictionaries({"image": digests}), min_size=1, max_size=3))
    known = st.sampled_from(sorted(versions))
    active = draw(st.sampled_from(["blue", "green"]))
    least = draw(st.integers(1, 3))
    return {
        "team": team,
        "port": draw(st.integers(1, 65535)),
        "scale": {"min": least, "max": draw(st.integers(least, 50))},
        "resources": {"cpu": draw(cores), "memory": draw(sizes)},
        "versions": versions,
        "slots": {**draw(st.dictionaries(st.sampled_from(["blue", "green"]), known)), active: draw(known)},
        "active": active,
        "env": draw(st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), st.text(max_size=5), max_size=2)),
    }


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    team = draw(names)
    return {
        "environment": draw(names),
        "registry": "registry.example.com/ml",
        "cluster": {"provider": "existing", "context": draw(names)},
        "teams": {team: {"quota": {"requests.cpu": "100", "requests.memory": "1Ti"}}},
        # Two models might be named so that one is the other's slot; that refusal has a test of its own.
        "models": {draw(names): draw(models(team))},
        "guard": {"smoke": draw(st.booleans())},
    }


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))


def holder(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    for key in path[:-1]:
        values = values[key]
    return values


def is_chosen(path: KeyPath) -> bool:
    return path[:-1] in _CHOSEN or any(key in _CHOSEN_KEYS for key in path[:-1] if path[-2] == key)


@given(configurations())
@settings(fixed, max_examples=25)
def test_what_is_valid_survives_being_written_and_read_again(values):
    once = Settings.parse(values)
    dumped = once.model_dump(by_alias=True, exclude_unset=True, exclude={"secrets"})
    assert Settings.parse(dumped) == once


@functools.cache
def _paths_of_the_valid_text(text: str) -> list[KeyPath]:
    return list(paths(Document.parse(text, "x").values))


@given(data=st.data())
@settings(fixed, max_examples=80)
def test_a_misspelt_key_is_a_mistake_at_its_place(valid, valid_text, data):
    known = [path for path in _paths_of_the_valid_text(valid_text) if not is_chosen(path)]
    path = data.draw(st.sampled_from(known))
    changed = copy.deepcopy(valid)
    inside = holder(changed, path)
    inside[f"{path[-1]}x"] = inside.pop(path[-1])
    with pytest.raises(SettingsError) as caught:
        Settings.parse(changed)
    assert (*path[:-1], f"{path[-1]}x") in [mistake.path for mistake in caught.value.mistakes]


@given(data=st.data())
@settings(fixed, max_examples=80)
def test_a_value_of_the_wrong_kind_is_a_mistake_at_its_place(valid, valid_text, data):
    # A list of nothing is right nowhere: not as text, not as keys, not as a list of subjects.
    free = {"body", "json", "rows", "version"}
    known = [path for path in _paths_of_the_valid_text(valid_text) if not free & set(path)]
    path = data.draw(st.sampled_from(known))
    changed = copy.deepcopy(valid)
    holder(changed, path)[path[-1]] = [None]
    with pytest.raises(SettingsError) as caught:
        Settings.parse(changed)
    found = [mistake.path[: len(path)] for mistake in caught.value.mistakes]
    assert path in found


@given(data=st.data(), value=anything)
@settings(fixed, max_examples=80)
def test_no_value_anywhere_raises_anything_but_a_settings_error(valid, valid_text, data, value):
    path = data.draw(st.sampled_from(_paths_of_the_valid_text(valid_text)))
    changed = copy.deepcopy(valid)
    holder(changed, path)[path[-1]] = value
    try:
        Settings.parse(changed)
    except SettingsError as error:
        assert error.mistakes  # noqa: PT017  a value may be right by chance; only the kind of failure is asserted


@given(anything)
@settings(fixed, max_examples=50)
def test_no_configuration_raises_anything_but_a_settings_error(value):
    with pytest.raises(SettingsError):
        Settings.parse({"models": value, "teams": value})


@given(st.text())
@settings(fixed)
def test_no_file_raises_anything_but_a_settings_error(text):
    with pytest.raises(SettingsError):
        Settings.of(Document.parse(text, "x.yaml"))
