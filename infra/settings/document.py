"""A stack's file as text: its values, and the line where each of them stands.

The engine hands the program values without places, and check has no engine; both come here for line numbers,
duplicate keys and secure values. YAML is read as the engine reads it: 1.2's booleans, no merge keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import yaml

from infra.settings.errors import KeyPath, Mistake, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE_KEYS", "PREFIX", "SECURE", "Document", "Secure", "fraction_message", "same_values"]

PREFIX: Final = "ml-platform:"

# What the engine itself keeps in a stack's file beside `config`.
FILE_KEYS = ("config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment")


class Secure(Enum):
    """A secret's place: the value is encrypted in the file and never enters the settings."""

    SECURE = "secure"


SECURE: Final = Secure.SECURE


class _Ambiguous(str):
    """Text that YAML readers take for different things: refused, and not held against the engine's reading."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Only true and false are booleans, as in YAML 1.2 and for the engine: `on` and `no` are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


@dataclass(kw_only=True)
class Document:
    """The configuration of one stack's file, without the `ml-platform:` prefix."""

    name: str
    """The file's name for messages."""
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    scalars: dict[KeyPath, str] = field(default_factory=dict)
    """Numbers as they are written: 1.10 is 1.1 once it is a value."""
    mistakes: list[Mistake] = field(default_factory=list)
    readable: bool = False
    """There is a configuration to validate: the file is YAML, and `config` is a mapping."""

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Document:
        """Read a file. Raises OSError where there is none; everything else that is wrong becomes a mistake."""
        return cls.parse(path.read_text(encoding="utf-8", errors="replace"), name or str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> Document:
        """Read a text; never raises for what the text says."""
        document = cls(name=name)
        try:
            root = yaml.compose(text, Loader=_Loader)
            document._take(root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(part for part in (error.context, error.problem) if part)
            document._refuse((), f"not YAML: {problem}", line=mark.line + 1 if mark else 1)
        except yaml.YAMLError as error:
            document._refuse((), f"not YAML: {' '.join(str(error).split())}", line=1)
        except RecursionError:
            document._refuse((), "not YAML that can be read: it is nested too deep", line=1)
        return document

    def line(self, path: KeyPath) -> int | None:
        """Return the line of this path, or of the nearest mapping around it that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return self.lines.get(())

    def placed(self, mistake: Mistake) -> Mistake:
        """Return the mistake with file and line."""
        line = mistake.line or self.line(mistake.path)
        return Mistake(path=mistake.path, message=mistake.message, file=self.name, line=line)

    def _refuse(self, path: KeyPath, message: str, *, line: int | None = None) -> None:
        where = line or self.line(path)
        self.mistakes.append(Mistake(path=path, message=message, file=self.name, line=where))

    def _take(self, root: yaml.Node | None) -> None:
        needed = "environment, registry, cluster and teams"
        if root is None:
            self._refuse((), f"the file is empty; a stack needs {needed}", line=1)
            return
        if not isinstance(root, yaml.MappingNode):
            self._refuse((), f"the file holds no mapping; a stack needs config with {needed}", line=_line(root))
            return
        config: yaml.Node | None = None
        seen: dict[str, int] = {}
        for key_node, value_node in root.value:
            key, line = str(key_node.value), _line(key_node)
            if key in seen:
                self._refuse((key,), f"the key stands twice; it is first in line {seen[key]}", line=line)
            elif key == "config":
                config = value_node
                self.lines[()] = line
            elif key not in FILE_KEYS:
                hint = did_you_mean(key, FILE_KEYS) or f"; allowed: {', '.join(FILE_KEYS)}"
                self._refuse((key,), f"unknown key{hint}", line=line)
            seen.setdefault(key, line)
        if config is None or not isinstance(config, yaml.MappingNode) or not config.value:
            if "config" in seen or not self.mistakes:
                self._refuse((), f"config is empty; a stack needs {needed}", line=seen.get("config", 1))
            return
        self._take_config(config)
        self.readable = True

    def _take_config(self, config: yaml.MappingNode) -> None:
        seen: dict[str, int] = {}
        for key_node, value_node in config.value:
            written, line = str(key_node.value), _line(key_node)
            # To the engine a key without a namespace is the project's own.
            full = written if ":" in written else f"{PREFIX}{written}"
            if full in seen:
                self._refuse((full,), f"the key stands twice; it is first in line {seen[full]}", line=line)
                continue
            seen[full] = line
            if not full.startswith(PREFIX):
                continue  # another program's or a provider's: not ours to judge
            key = full.removeprefix(PREFIX)
            self.lines[(key,)] = line
            self.values[key] = self._value(value_node, (key,), ())

    def _value(self, node: yaml.Node, path: KeyPath, around: tuple[int, ...]) -> Any:
        self.lines.setdefault(path, _line(node))
        if id(node) in around:
            self._refuse(path, "the alias stands inside its own anchor")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*around, id(node)))
        if isinstance(node, yaml.SequenceNode):
            inside = (*around, id(node))
            return [self._value(item, (*path, index), inside) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, around: tuple[int, ...]) -> Any:
        if len(node.value) == 1 and node.value[0][0].value == "secure":
            return self._secure(path)
        values: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(path, "a key is a list or mapping; allowed: text", line=line)
                continue
            key = str(key_node.value)
            inner = (*path, key)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._refuse(
                    path,
                    "merge keys (<<) are lost when `pulumi config set` writes the file; write the keys out",
                    line=line,
                )
                continue
            if key_node.tag == "tag:yaml.org,2002:float":
                self._refuse(inner, fraction_message(key), line=line)
            if key in first:
                self._refuse(inner, f"the key stands twice; it is first in line {first[key]}", line=line)
                continue
            first[key] = line
            self.lines[inner] = line
            values[key] = self._value(value_node, inner, around)
        return values

    def _secure(self, path: KeyPath) -> Any:
        if path[0] != "secrets":
            name = str(path[-1]).lower().replace("_", "-")
            where = f"pulumi config set --secret --path {PREFIX}secrets.{name}"
            self._refuse(
                path,
                f"a secure value here would make all of {path[0]} unreadable without the passphrase; put"
                f" it under secrets ({where}) and name it in secretEnv",
            )
        elif len(path) == 1:
            self._refuse(
                path,
                "secrets is one secure value as a whole, so that its names cannot be read; set each by"
                f" name: pulumi config set --secret --path {PREFIX}secrets.<name>",
            )
        return SECURE

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        tag, written = node.tag.rsplit(":", 1)[-1], str(node.value)
        if tag in ("int", "float"):
            self.scalars[path] = written
            return self._number(tag, written, path)
        if tag == "timestamp":
            self._refuse(path, f'{written} is read as a date; write it in quotes: "{written}"')
            return _Ambiguous(written)
        if tag == "bool":
            return written.lower() == "true"
        return None if tag == "null" else written

    def _number(self, tag: str, written: str, path: KeyPath) -> Any:
        if tag == "int" and not re.fullmatch(r"[+-]?(0|[1-9][0-9]*)", written):
            self._refuse(path, f"{written} is a number that not everyone reads alike; write it in decimal or in quotes")
            return _Ambiguous(written)
        try:
            return int(written) if tag == "int" else float(written)
        except ValueError:  # .inf, .nan, 1_0.5
            return written


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def fraction_message(written: str) -> str:
    """Say why a number with a fraction is no name."""
    why = "is read as a number, and a fraction loses digits (1.10 becomes 1.1)"
    return f'{written} {why}; write it in quotes: "{written}"'


def same_values(one: Any, other: Any) -> bool:
    """Tell whether two readings of a configuration say the same, whatever each made of numbers and secrets."""
    if isinstance(one, Secure | _Ambiguous) or isinstance(other, Secure | _Ambiguous):
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        ours = {_as_engine(key): value for key, value in one.items()}
        theirs = {_as_engine(key): value for key, value in other.items()}
        return ours.keys() == theirs.keys() and all(same_values(ours[key], theirs[key]) for key in ours)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_values, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return str(one) == str(other)


def _as_engine(key: str) -> str:
    """Return a key as the engine has it, for which 1.10 is the number 1.1."""
    return str(float(key)) if re.fullmatch(r"[0-9]+\.[0-9]+", key) else key
