"""The page with every key: what it is, its type, its default and why, what upstream calls it, an example."""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from typing import TYPE_CHECKING, Any

from infra.settings.checked import WORDS
from infra.settings.content import Contents, Version
from infra.settings.model import Model
from infra.settings.reference.keys import Key, keys_of, sections_in
from infra.settings.reference.schema import settings_schema
from infra.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.values import Section

__all__ = ["page"]

_SECTION = "section"

_INTRODUCTION = """# Configuration: every key

<!-- Made by `python -m infra.settings.reference` from the docstrings in infra/settings: change them, not this page. -->

A stack's file, `stacks/Pulumi.<stack>.yaml`, is all that a user writes. Every key below `ml-platform:` is described
here; `make check STACK=prod` reports all mistakes of a file at once, each with its line, and an editor with
[yaml-language-server](https://github.com/redhat-developer/yaml-language-server) completes and checks keys while they
are written, by the first line of each file: `# yaml-language-server: $schema=stack.schema.json`.

- Everything but `environment`, `registry`, `cluster` and `teams`, and of a model `team`, `versions` and one slot (or
  `version`), may be left out.
- A **duration** is a whole number of seconds, or a number with a unit: `500ms`, `30s`, `5m`, `2h`, `1d`, `1h30m`.
- Names of versions are text: `"1.10"` in quotes, since 1.10 is the number 1.1 to YAML.
"""


def page() -> str:
    """Return the page, which is committed as docs/configuration.md."""
    return "\n".join(_Page().lines()).rstrip() + "\n"


class _Page:
    """Writes section by section, each where it first stands."""

    def __init__(self) -> None:
        self._schema = settings_schema()
        self._headings: dict[type[Section], str] = {}
        self._written: set[type[Section]] = set()

    def lines(self) -> Iterator[str]:
        list(self._section(Settings, "ml-platform:", 2))  # once for the headings, to which the keys before them refer
        self._written.clear()
        yield _INTRODUCTION
        yield from self._section(Settings, "ml-platform:", 2)

    def _section(self, section: type[Section], path: str, depth: int) -> Iterator[str]:
        self._written.add(section)
        heading = self._headings[section] = "The stack" if section is Settings else f"`{path}`"
        yield f"{'#' * depth} {heading}\n"
        yield f"{_wrapped(inspect.cleandoc(section.__doc__ or ''))}\n"
        keys = [key for key in keys_of(section) if section is Contents or key.owner is not Contents]
        if section in (Model, Version):
            yield "And every key that [a model and a version](#in-a-model-and-in-a-version) may have.\n"
        for key in keys:
            yield from self._key(section, key)
        if section is Model:
            yield from self._contents(path, depth)
        for key in keys:
            for inner in sections_in(key.field.annotation):
                if inner not in self._written:
                    yield from self._section(inner, _below(path, key, inner), min(depth + 1, 4))

    def _contents(self, path: str, depth: int) -> Iterator[str]:
        yield f"{'#' * (depth + 1)} In a model and in a version\n"
        yield _wrapped(
            f"These keys stand below `{path}`, for all versions, or below `{path}.versions.<version>`, for this one"
            " alone. The version's win: mappings are merged key by key, all else is replaced."
        )
        yield ""
        for key in keys_of(Contents):
            yield from self._key(Contents, key)
        for key in keys_of(Contents):
            for inner in sections_in(key.field.annotation):
                yield from self._section(inner, _below(path, key, inner), min(depth + 2, 4))

    def _key(self, section: type[Section], key: Key) -> Iterator[str]:
        yield f"{_wrapped(f'**`{key.name}`**: {key.text}')}\n"
        yield f"- type: {self._type(section, key)}"
        inner = list(sections_in(key.field.annotation))
        if key.required:
            yield "- required"
        elif key.default is not None:
            yield f"- default: {key.default if key.in_words else f'`{key.default}`'}"
        elif not inner or key.holds_many:
            yield "- default: none"
        if key.upstream is not None:
            yield f"- upstream: {key.upstream.rstrip('.')}"
        if key.example is not None:
            yield f"- example: `{key.example}`"
        yield ""

    def _type(self, section: type[Section], key: Key) -> str:
        definitions = self._schema["definitions"]
        own = self._schema if section is Settings else definitions[(Model if section is Contents else section).__name__]
        words = _words(own["properties"][key.name])
        for inner in sections_in(key.field.annotation):
            words = words.replace(_SECTION, f"[section](#{_anchor(self._headings.get(inner, ''))})")
        return words


def _below(path: str, key: Key, section: type[Section]) -> str:
    """Return where a section stands: under its key, or under a name of the user's choice."""
    full = f"{path}{key.name}" if path.endswith(":") else f"{path}.{key.name}"
    if not key.holds_many:
        return full
    name = section.__name__.lower().removesuffix("mount").removesuffix("bound")
    return f"{full}.<{name}>" if key.by_name else f"{full}[]"


def _anchor(heading: str) -> str:
    """Return the name under which GitHub links to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _wrapped(text: str) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    wrap = functools.partial(textwrap.fill, width=120, break_long_words=False, break_on_hyphens=False)
    return "\n\n".join(map(wrap, paragraphs))


def _words(schema: Mapping[str, Any]) -> str:  # noqa: PLR0911  one return a kind of type reads as the table it is
    """Say in words what a schema accepts."""
    if WORDS in schema:
        return str(schema[WORDS])
    if "$ref" in schema:
        return _SECTION
    if "anyOf" in schema:
        options = [_words(option) for option in schema["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "object":
            names, values = schema.get("propertyNames", {}), schema.get("additionalProperties", {})
            return f"mapping of {names.get(WORDS, 'text')} to {_words(values)}"
        case "array":
            return f"list of {_words(schema['items'])}"
        case "integer" | "number" as kind:
            return f"{'whole number' if kind == 'integer' else 'number'}{_range(schema)}"
        case "boolean":
            return "`true` or `false`"
        case "string":
            return "text"
    return "any value"


def _range(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least:g} to {most:g}"
    return "" if least is None else f", at least {least:g}"
