"""The page and the schema that are made from the settings: up to date, complete, and in agreement with them."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from string import Template
from typing import Annotated

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import TypeAdapter

from infra.settings import SECURE, Document, Settings
from infra.settings.content import Contents
from infra.settings.reference import keys_of, sections, stack_schema
from infra.settings.reference.__main__ import files
from infra.settings.reference.keys import sections_in
from infra.settings.reference.schema import settings_schema

ROOT = Path(__file__).resolve().parents[3]
STACKS = sorted((ROOT / "stacks").glob("*.yaml"))
BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
KEYS = [(section, key) for section in sections(Settings) for key in keys_of(section)]
EXAMPLES = [(section, key) for section, key in KEYS if key.example is not None and key.owner in (section, Contents)]
SCHEMA = settings_schema()

# What is wrong with these only several keys together show, or the text itself.
BEYOND_A_SCHEMA = {"bad-ingress", "both-slots-empty", "duplicate-key", "no-context", "small-quota"}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((ROOT / "stacks" / "stack.schema.json").read_text())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def as_an_editor_has_it(document: Document) -> dict:
    """A file's content with every key as text, as YAML 1.2 reads it, and secure values in place."""
    config = {f"ml-platform:{key}": value for key, value in document.values.items()}
    return json.loads(json.dumps({"config": config}, default=lambda value: {"secure": "v1:A:B"}))


def name(pair):
    section, key = pair
    return f"{section.__name__}.{key.name}"


def test_what_is_committed_is_what_the_models_say():
    stale = [path.name for path, text in files().items() if path.read_text() != text]
    assert stale == [], "run: python -m infra.settings.reference"


def test_every_key_is_described_in_sentences():
    assert [name(pair) for pair in KEYS if not pair[1].text.endswith(".") or len(pair[1].text) < 20] == []


def test_every_key_with_a_value_of_its_own_has_an_example():
    bare = [pair for pair in KEYS if pair[1].example is None]
    assert [name(pair) for pair in bare if not any(sections_in(pair[1].field.annotation))] == []


@pytest.mark.parametrize("pair", EXAMPLES, ids=name)
def test_every_example_is_right(pair):
    section, key = pair
    [(written, value)] = Document.parse(f"config:\n  ml-platform:x: {{{key.example}}}", "x").values["x"].items()
    assert written == key.name
    if value == {"churn-api-key": SECURE}:
        return  # the settings have the secrets' names alone
    own = SCHEMA if section is Settings else SCHEMA["definitions"][section.__name__]
    Draft7Validator({**own["properties"][key.name], "definitions": SCHEMA["definitions"]}).validate(value)
    TypeAdapter(Annotated[(key.field.annotation, *(key.field.metadata or [None]))]).validate_python(value)


def test_every_link_of_the_page_leads_to_a_heading():
    page = (ROOT / "docs" / "configuration.md").read_text()
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]*)\)", page))
    assert links
    assert links <= anchors


def test_every_key_is_on_the_page():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert [name(pair) for pair in KEYS if f"**`{pair[1].name}`**: " not in page] == []


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_of_the_repository_keeps_to_the_schema_and_names_it(path, validator):
    text = path.read_text()
    filled = Template(text).safe_substitute(REGISTRY="10.0.0.2:5000", KUBECONFIG="/run/kubeconfig", CONTEXT="sandbox")
    document = Document.parse(filled, path.name)
    assert [error.message for error in validator.iter_errors(as_an_editor_has_it(document))] == []
    [named] = re.findall(r"^# yaml-language-server: \$schema=(.*)$", text.splitlines()[0])
    assert (path.parent / named).resolve() == ROOT / "stacks" / "stack.schema.json"


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_an_editor_shows_what_is_wrong_with_a_single_key(path, validator):
    document = Document.read(path)
    raw = yaml.safe_load(path.read_text()) or {}
    wrong = list(validator.iter_errors(as_an_editor_has_it(document))) or not set(raw) <= {"config"}
    assert bool(wrong) == (path.stem not in BEYOND_A_SCHEMA)


def test_the_engines_own_keys_and_other_programs_keys_may_stand_in_a_file(validator, valid):
    file = as_an_editor_has_it(Document(name="x", values=valid))
    file |= {"encryptionsalt": "v1:a", "secretsprovider": "passphrase"}
    file["config"]["aws:region"] = "eu-central-1"
    assert list(validator.iter_errors(file)) == []
    file["config"]["region"] = "eu-central-1"
    assert len(list(validator.iter_errors(file))) == 1


def test_the_schema_tells_which_keys_go_with_which_strategy(validator, valid):
    file = as_an_editor_has_it(Document(name="x", values=valid))
    rolled = copy.deepcopy(file)
    model = rolled["config"]["ml-platform:models"]["churn"]
    model["strategy"] = "rolling"
    assert {error.validator for error in validator.iter_errors(rolled)} == {"required", None}
    for key in ("slots", "active", "canary", "idle", "analysis"):
        del model[key]
    model["version"] = "7"
    assert list(validator.iter_errors(rolled)) == []


def test_no_word_of_the_schema_is_our_own():
    assert "x-words" not in json.dumps(stack_schema())
