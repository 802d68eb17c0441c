"""The JSON schema of a stack's file, with which an editor completes and checks it while it is written.

It knows one key at a time; contradictions between keys, and what a quota can hold, only `make check` tells.
Draft 7, the one that yaml-language-server knows whole: https://json-schema.org/draft-07
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from infra.settings.checked import WORDS
from infra.settings.content import Version
from infra.settings.document import FILE_KEYS, PREFIX
from infra.settings.model import Model
from infra.settings.reference.keys import keys_of, sections
from infra.settings.rules.strategies import ROLLED_ONLY, SLOTS_ONLY
from infra.settings.scale import Metric, ScalingPolicy
from infra.settings.settings import Settings

if TYPE_CHECKING:
    from infra.settings.values import Section

__all__ = ["settings_schema", "stack_schema"]

_DEFINITIONS = "definitions"

# Keys of which exactly one must stand there.
_ONE_OF: dict[type[Section], tuple[str, str]] = {
    Version: ("image", "build"),
    ScalingPolicy: ("percent", "pods"),
    Metric: ("perPod", "total"),
}


def stack_schema() -> dict[str, Any]:
    """Return the schema of a whole file, `config` and what the engine keeps beside it."""
    settings = _published(settings_schema())
    definitions = settings.pop(_DEFINITIONS)
    properties: dict[str, Any] = settings["properties"]
    config = {
        "description": "The stack's configuration. Keys of other programs and providers may stand beside ours.",
        "type": "object",
        "properties": {f"{PREFIX}{name}": schema for name, schema in properties.items()},
        "required": [f"{PREFIX}{name}" for name in settings["required"]],
        "patternProperties": {f"^(?!{PREFIX})[^:]+:.+$": {}},
        "additionalProperties": False,
    }
    engine = {name: {"description": "Kept here by the engine."} for name in FILE_KEYS if name != "config"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stack of ml-platform",
        "description": "Made by `python -m infra.settings.reference`; every key is described in docs/configuration.md.",
        "type": "object",
        "properties": {"config": config, **engine},
        "required": ["config"],
        "additionalProperties": False,
        _DEFINITIONS: definitions,
    }


_SECRETS: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    "additionalProperties": {
        "type": "object",
        "properties": {"secure": {"type": "string"}},
        "required": ["secure"],
        "additionalProperties": False,
    },
    WORDS: "mapping of name to a secure value",
}


def settings_schema() -> dict[str, Any]:
    """Return the schema of the settings, with what docstrings say and each type's words for itself."""
    schema = Settings.model_json_schema(ref_template=f"#/{_DEFINITIONS}/{{model}}", schema_generator=_Draft7)
    schema[_DEFINITIONS] = schema.pop("$defs")
    for section in sections(Settings):
        own = schema if section is Settings else schema[_DEFINITIONS][section.__name__]
        for key in keys_of(section):
            prop = own["properties"][key.name]
            prop["description"] = key.text
            prop.pop("default", None)
            if key.default is not None and not key.in_words:
                prop["default"] = _default(key.default)
        if section in _ONE_OF:
            own["oneOf"] = [{"required": [name]} for name in _ONE_OF[section]]
    schema[_DEFINITIONS][Model.__name__] |= _strategies()
    # The settings have the names alone.
    schema["properties"]["secrets"] = {"description": schema["properties"]["secrets"]["description"], **_SECRETS}
    return schema


def _default(written: str) -> Any:
    """Read a default as a file would have it; what is no JSON is text."""
    try:
        return json.loads(written)
    except ValueError:
        return written


def _strategies() -> dict[str, Any]:
    """Say which keys go with which strategy."""
    rolled = {"properties": {"strategy": {"enum": ["rolling", "recreate"]}}, "required": ["strategy"]}
    return {
        "if": rolled,
        "then": {"required": ["version"], "properties": dict.fromkeys(SLOTS_ONLY, False)},
        "else": {"required": ["slots"], "properties": dict.fromkeys(ROLLED_ONLY, False)},
    }


class _Draft7(GenerateJsonSchema):
    """pydantic's own schema, but for mappings with keys of the user's choice, whose other keys it would let pass."""

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        keys = {key: value for key, value in self.generate_inner(schema["keys_schema"]).items() if key != "type"}
        found: dict[str, Any] = {"type": "object", "additionalProperties": self.generate_inner(schema["values_schema"])}
        return {**found, "propertyNames": keys} if keys else found


def _published(value: Any, *, names: bool = False, words: str | None = None) -> Any:
    """Leave out what only our page needs, and say a type's words where an editor would show a pattern.

    `names` says that the keys here are chosen (properties, definitions) and none of the schema's own words. `words` are
    those of the type around. `patternErrorMessage` is the word of VS Code's JSON and YAML servers.
    """
    if isinstance(value, list):
        return [_published(item, words=words) for item in value]
    if not isinstance(value, dict):
        return value
    words = None if names else value.get(WORDS, words)
    found = {
        key: _published(
            item,
            names=not names and key in ("properties", "patternProperties", _DEFINITIONS),
            words=words if key == "anyOf" else None,
        )
        for key, item in value.items()
        if names or key not in (WORDS, "title")
    }
    if words is not None and "pattern" in found and not names:
        found["patternErrorMessage"] = f"Allowed: {words}."
    return found
