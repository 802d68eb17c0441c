"""Properties that hold for every configuration, found by trying many."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from random_stacks import configurations

from infra.settings import SECURE, Document, Settings, SettingsError, parse_duration, show_duration
from infra.settings.reference import stack_schema

if TYPE_CHECKING:
    from infra.settings.errors import KeyPath

# Names that the user chooses: another name there is another team or version, not a mistake in itself.
_CHOSEN = {("teams",), ("models",), ("secrets",)}
_CHOSEN_KEYS = {"quota", "versions", "env", "secretEnv", "args", "body", "json", "rows", "volumes", "headers", "labels"}

# The same examples on every machine and however busy it is, and no database left behind.
fixed = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECURE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


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
@settings(fixed, max_examples=10)
def test_what_is_valid_survives_being_written_and_read_again(values):
    once = Settings.parse(values)
    dumped = once.model_dump(by_alias=True, exclude_unset=True, exclude={"secrets"})
    assert Settings.parse(dumped) == once


@functools.cache
def _editor() -> Draft7Validator:
    return Draft7Validator(stack_schema())


@given(configurations())
@settings(fixed, max_examples=12)
def test_an_editor_takes_what_the_program_takes(values):
    Settings.parse(values)
    file = {"config": {f"ml-platform:{key}": value for key, value in values.items()}}
    assert [error.message for error in _editor().iter_errors(file)] == []


@given(configurations(), st.sampled_from(["requests.cpu", "requests.memory", "pods"]))
@settings(fixed, max_examples=10)
def test_a_quota_is_refused_below_what_it_is_told_to_need_and_taken_at_it(values, resource):
    [team] = values["teams"]
    quota = values["teams"][team]["quota"]
    quota[resource] = "0"
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values)
    [mistake] = caught.value.mistakes
    needed = re.search(r"ask for at least ([0-9.]+)", mistake.message)[1]
    if resource == "requests.memory":
        return  # told in GiB, rounded
    quota[resource] = needed
    assert Settings.parse(values)
    quota[resource] = str(int(needed) - 1) if resource == "pods" else f"{int(float(needed) * 1000) - 1}m"
    with pytest.raises(SettingsError):
        Settings.parse(values)


@given(st.integers(0, 604_800))
@settings(fixed, max_examples=30)
def test_a_duration_is_read_as_it_is_shown(seconds):
    assert parse_duration(show_duration(seconds)) == seconds
    assert parse_duration(show_duration(seconds / 1000)) == seconds / 1000


@functools.cache
def _paths_of_the_valid_text(text: str) -> list[KeyPath]:
    return list(paths(Document.parse(text, "x").values))


@given(data=st.data())
@settings(fixed, max_examples=30)
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
@settings(fixed, max_examples=30)
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
@settings(fixed, max_examples=30)
def test_no_value_anywhere_raises_anything_but_a_settings_error(valid, valid_text, data, value):
    path = data.draw(st.sampled_from(_paths_of_the_valid_text(valid_text)))
    changed = copy.deepcopy(valid)
    holder(changed, path)[path[-1]] = value
    try:
        Settings.parse(changed)
    except SettingsError as error:
        assert error.mistakes  # noqa: PT017  a value may be right by chance; only the kind of failure is asserted


@given(anything)
@settings(fixed, max_examples=30)
def test_no_configuration_raises_anything_but_a_settings_error(value):
    with pytest.raises(SettingsError):
        Settings.parse({"models": value, "teams": value})


@given(st.text())
@settings(fixed)
def test_no_file_raises_anything_but_a_settings_error(text):
    with pytest.raises(SettingsError):
        Settings.of(Document.parse(text, "x.yaml"))
