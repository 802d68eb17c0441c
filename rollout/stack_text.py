"""One change in a stack's file, every other byte kept: text is replaced where YAML's own parser says that it stands.

A writer of YAML would settle comments, quotes, widths and indentation by rules of its own, and a pull request would
show them all.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TextError", "entry", "with_entry", "with_image"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./@_:-]*[A-Za-z0-9]")


class TextError(Exception):
    """The text has no such place, or one that cannot be changed without touching others."""


def with_image(text: str, versions: Sequence[str], version: str, image: str) -> str:
    """Return the text with this image in a version, in place of its own image or its build.

    `versions` are the keys that lead to the catalogue.
    """
    found = _value(_find(text, versions), version)
    if not isinstance(found, yaml.MappingNode):
        raise TextError(f"version {version} has no keys")
    for key, value in found.value:
        if key.value == "image":
            _own(key, value)
            quote = text[value.start_mark.index]
            written = f"{quote}{image}{quote}" if quote in "'\"" else _scalar(image)
            return _spliced(text, value.start_mark.index, value.end_mark.index, written)
        if key.value == "build":
            _own(key, value)
            return _spliced(text, key.start_mark.index, _end(text, value), f"image: {_scalar(image)}")
    raise TextError(f"version {version} has neither image nor build")


def entry(text: str, versions: Sequence[str], version: str) -> str:
    """Return a version as it is written, key and value, its lines moved to the left edge."""
    catalogue = _find(text, versions)
    for key, value in catalogue.value:
        if key.value == version:
            _own(key, value)
            start = key.start_mark
            lines = text[start.index : _end(text, value)].splitlines()
            return "\n".join([lines[0], *(line.removeprefix(" " * start.column) for line in lines[1:])])
    raise TextError(f"no version {version}")


def with_entry(text: str, versions: Sequence[str], added: str) -> str:
    """Return the text with this entry, as `entry` gives one, after the last of the catalogue."""
    catalogue = _find(text, versions)
    if not catalogue.value:
        raise TextError("the catalogue is empty")
    last_key, last = catalogue.value[-1]
    _own(last_key, last)
    end = _end(text, last)
    if catalogue.flow_style:
        (version, held), *_ = yaml.load(added, Loader=yaml.BaseLoader).items()  # noqa: S506  makes text of everything
        return _spliced(text, end, end, f", {json.dumps(version)}: {json.dumps(held)}")
    line_end = re.compile(r"[^\r\n]*").match(text, end)
    at = end if line_end is None else line_end.end()
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * catalogue.value[0][0].start_mark.column
    lines = [f"{indent}{line}".rstrip() for line in added.splitlines()]
    return _spliced(text, at, at, "".join(f"{newline}{line}" for line in lines))


def _find(text: str, keys: Sequence[str]) -> yaml.MappingNode:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise TextError(f"not YAML: {' '.join(str(error).split())}") from None
    for key in keys:
        node = _value(node, key)
    if not isinstance(node, yaml.MappingNode):
        raise TextError(f"no keys at {'.'.join(keys)}")
    return node


def _value(node: yaml.Node | None, name: str) -> yaml.Node:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                _own(key, value)
                found: yaml.Node = value
                return found
    raise TextError(f"no key {name}")


def _own(key: yaml.Node, value: yaml.Node) -> None:
    """Refuse an alias: what it names stands elsewhere, and is used elsewhere too."""
    if value.start_mark.index < key.end_mark.index:
        raise TextError(f"line {key.start_mark.line + 1}: {key.value} is an alias; write it out first")


def _end(text: str, node: yaml.Node) -> int:
    """Return where a value's own text ends; for a block, YAML's mark is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(node, yaml.MappingNode) else last)
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())


def _scalar(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def _spliced(text: str, start: int, end: int, piece: str) -> str:
    return f"{text[:start]}{piece}{text[end:]}"
