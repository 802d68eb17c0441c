"""The keys of a section with what their docstrings say; docstrings of attributes exist in the source only."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from infra.settings.checked import Checked
from infra.settings.values import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

__all__ = ["Key", "keys_of", "sections", "sections_in"]

_LABELS = ("Default", "Upstream", "Example")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of a section, in a reader's words."""

    name: str
    """As it stands in a file."""
    text: str
    """What it is, and why its default is what it is: one or more paragraphs."""
    required: bool
    in_words: bool
    """The default is told in words, since no file could say it."""
    default: str | None
    """As it would stand in a file, or in words; None where there is none, or a section with its own."""
    upstream: str | None
    """What upstream calls it."""
    example: str | None
    """A line of YAML."""
    field: FieldInfo
    owner: type[Section]
    """The section that declares it; a version's and a model's own keys are declared in one place."""

    @property
    def by_name(self) -> bool:
        """Whether the key holds a mapping with names of the user's choice."""
        return get_origin(_plain(self.field.annotation)) is Mapping

    @property
    def holds_many(self) -> bool:
        """Whether the key holds any number of things, by name or in a list."""
        return self.by_name or get_origin(_plain(self.field.annotation)) is tuple


def keys_of(section: type[Section]) -> list[Key]:
    """Return the keys of a section, inherited ones first."""
    return [_key(section, name, field) for name, field in section.model_fields.items()]


def sections(root: type[Section]) -> list[type[Section]]:
    """Return a section and all below it, each once, in reading order."""
    found: list[type[Section]] = []

    def visit(section: type[Section]) -> None:
        if section in found:
            return
        found.append(section)
        for field in section.model_fields.values():
            for inner in sections_in(field.annotation):
                visit(inner)

    visit(root)
    return found


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Go through the sections that a type names, in whatever lists, mappings and alternatives."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from sections_in(argument)


def _key(section: type[Section], name: str, field: FieldInfo) -> Key:
    owner = next(one for one in reversed(section.__mro__) if name in getattr(one, "__annotations__", {}))
    text, labels = _parts(_docstrings(owner).get(name, ""))
    required = field.is_required() or labels.get("Default") == "required"
    return Key(
        name=field.alias or name,
        text=text,
        required=required,
        in_words="Default" in labels,
        default=None if required else labels.get("Default", _default(field)),
        upstream=labels.get("Upstream"),
        example=_code(labels.get("Example")),
        field=field,
        owner=owner,
    )


@functools.cache
def _docstrings(section: type[Section]) -> dict[str, str]:
    """Return the text below each attribute of a class."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"{section} is no class")
    found: dict[str, str] = {}
    for one, following in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[one.target.id] = inspect.cleandoc(text)
    return found


def _parts(docstring: str) -> tuple[str, dict[str, str]]:
    """Separate the last paragraph's lines `Default: ...`, `Upstream: ...` and `Example: ...` from the text."""
    paragraphs = docstring.split("\n\n")
    labels: dict[str, str] = {}
    text: list[str] = []
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        if lines and lines[0].split(":")[0] in _LABELS:
            for line in lines:
                label, colon, said = line.partition(": ")
                if colon and label in _LABELS:
                    labels[last := label] = said.strip().rstrip(".")
                else:  # a long line goes on
                    labels[last] = f"{labels[last]} {line.strip()}"
        else:
            text.append(" ".join(line.strip() for line in lines))
    return "\n\n".join(text), labels


def _code(example: str | None) -> str | None:
    return None if example is None else example.strip("`")


def _default(field: FieldInfo) -> str | None:
    """Write a default as a file would have it; None where it is nothing, or a section with its own defaults."""
    if field.default_factory is not None:
        return None
    value = field.default
    if value is None or value == () or isinstance(value, Section):
        return None
    if (checked := _checked(field)) is not None and checked.show is not None:
        return checked.show(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _checked(field: FieldInfo) -> Checked | None:
    """Return the Checked with which a value is read, wherever in the type it stands."""
    return next((one for one in (*field.metadata, *_marks(field.annotation)) if isinstance(one, Checked)), None)


def _plain(annotation: Any) -> Any:
    """Take Annotated and `| None` off a type."""
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = next(option for option in get_args(annotation) if option is not types.NoneType)
    return annotation


def _marks(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for argument in get_args(annotation):
        yield from _marks(argument)
