"""Places, and mistakes that only the text of a file shows."""

from __future__ import annotations

import pytest

from infra.settings import SECURE, Document, Settings, SettingsError


def mistakes(text):
    document = Document.parse(text, "Pulumi.prod.yaml")
    return [str(mistake).removeprefix("Pulumi.prod.yaml:") for mistake in document.mistakes]


def test_what_is_no_yaml_is_told_with_its_line():
    assert mistakes("config:\n  a: [1\n  b: 2\n") == [
        "3: not YAML: while parsing a flow sequence expected ',' or ']', but got ':'"
    ]


@pytest.mark.parametrize("text", ["\x00", "config:\n\tx: 1", "a: &a [*a]", "config: [", "'", "%", "--- a\n--- b"])
def test_no_text_raises_anything_but_a_settings_error(text):
    with pytest.raises(SettingsError):
        Settings.of(Document.parse(text, "x.yaml"))


def test_nesting_without_end_is_refused():
    assert mistakes("config: " + "[" * 500) == ["1: not YAML that can be read: it is nested too deep"]


def test_a_configuration_within_itself_is_refused():
    assert mistakes("config:\n  ml-platform:teams: &a\n    b: *a\n") == [
        "3: teams.b: the alias stands inside its own anchor"
    ]


def test_on_and_no_are_text_as_they_are_for_the_engine():
    document = Document.parse("config:\n  ml-platform:guard: {a: on, b: no, c: true}\n", "x")
    assert document.values == {"guard": {"a": "on", "b": "no", "c": True}}


def test_a_secure_value_is_never_read():
    document = Document.parse("config:\n  ml-platform:secrets: {key: {secure: v1:abc}}\n", "x")
    assert document.values["secrets"]["key"] is SECURE


def test_secrets_that_are_one_secure_value_have_no_names():
    [told] = mistakes("config:\n  ml-platform:secrets: {secure: v1:abc}\n")
    assert told.startswith("2: secrets: secrets is one secure value as a whole, so that its names cannot be read")


def test_other_programs_keys_are_left_alone():
    document = Document.parse("config:\n  aws:region: eu\n  ml-platform:environment: dev\n", "x")
    assert document.values == {"environment": "dev"}
    assert document.mistakes == []


def test_what_the_engine_keeps_in_the_file_is_known():
    text = (
        "secretsprovider: passphrase\nencryptionsalt: v1:a\nenvironment: [base]\nconfig:\n  ml-platform:environment: x"
    )
    assert mistakes(text) == []


def test_a_forgotten_path_flag_is_named(valid):
    valid["models.churn.active"] = "green"
    with pytest.raises(SettingsError, match="--path was forgotten"):
        Settings.parse(valid)


def test_a_section_may_come_as_json_text(valid):
    valid["guard"] = '{"smoke": false}'
    assert Settings.parse(valid).guard.smoke is False


def test_merge_keys_are_refused():
    text = "config:\n  ml-platform:teams:\n    a: &a {x: 1}\n    b: {<<: *a}\n"
    [told] = mistakes(text)
    assert told.startswith("4: teams.b: merge keys (<<) are lost when `pulumi config set` writes the file")


def test_a_switch_where_text_belongs_is_told_to_be_quoted(valid):
    valid["models"]["churn"]["env"]["DEBUG"] = True
    with pytest.raises(SettingsError, match='expected text, found true; write it in quotes: "true"'):
        Settings.parse(valid)


def test_a_key_without_a_namespace_is_the_projects_as_for_the_engine():
    document = Document.parse("config:\n  environment: dev\n  ml-platform:environment: prod\n", "x")
    assert document.values == {"environment": "dev"}
    assert [str(mistake) for mistake in document.mistakes] == [
        'x:3: ["ml-platform:environment"]: the key stands twice; it is first in line 2'
    ]
