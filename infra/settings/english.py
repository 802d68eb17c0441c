"""pydantic's findings in words that a user of this platform can act on: the value, and what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from infra.settings.document import Secure, fraction_message
from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.values import Section

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["in_english"]


def in_english(error: ErrorDetails, schema: type[Section], scalars: Mapping[KeyPath, str]) -> Mistake:
    """Turn one error of pydantic into a mistake.

    `schema` tells which keys are known at a place; `scalars` tells how a number was written.
    """
    # A bad key of a mapping has "[key]" behind it; the place is the key itself.
    path = tuple(part for part in error["loc"] if part != "[key]")
    return Mistake(path=path, message=_message(error, path, schema, scalars))


def _message(  # noqa: PLR0911  one return a kind of error reads as the table it is
    error: ErrorDetails, path: KeyPath, schema: type[Section], scalars: Mapping[KeyPath, str]
) -> str:
    value, context = error.get("input"), error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            known = _known_keys(schema, path[:-1])
            hint = did_you_mean(str(path[-1]), known)
            return f"unknown key{hint or '; allowed: ' + ', '.join(known)}"
        case "fraction":
            return fraction_message(scalars.get(path, str(value)))
        case "literal_error":
            allowed = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            hint = did_you_mean(value, allowed) if isinstance(value, str) and len(allowed) > 1 else ""
            return f"unknown value {_shown(value)}; allowed: {quoted_list(allowed)}{hint}"
        case "greater_than_equal":
            return f"{_shown(value)} is too small; at least {context['ge']}"
        case "less_than_equal":
            return f"{_shown(value)} is too large; at most {context['le']}"
        case "value_error":
            return str(context["error"])
        case "string_too_short":
            return "is empty"
    wanted = {
        "bool_type": "true or false",
        "int_type": "a whole number without quotes" if isinstance(value, str) else "a whole number",
        "string_type": "text",
        "model_type": "keys",
        "model_attributes_type": "keys",
        "mapping_type": "keys",
        "dict_type": "keys",
        "tuple_type": "a list",
        "list_type": "a list",
    }.get(error["type"])
    if wanted is None:
        return f"{error['msg'][:1].lower()}{error['msg'][1:]}; found {_shown(value)}"
    hint = f"; write it in quotes: {quote(_shown(value))}" if wanted == "text" and isinstance(value, bool) else ""
    return f"expected {wanted}, found {_shown(value)}{hint}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Secure):
        return "a secure value"
    if isinstance(value, Mapping):
        return f"keys ({quoted_list(map(str, list(value)[:4]))})" if value else "no keys ({})"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return quote(value)


def _known_keys(schema: type[Section], path: KeyPath) -> list[str]:
    current: Any = schema
    for part in path:
        current = _inner(current, part)
    section = _bare(current)
    if not (isinstance(section, type) and issubclass(section, Section)):
        return []
    return [field.alias or name for name, field in section.model_fields.items()]


def _inner(annotation: Any, part: str | int) -> Any:
    """Return the type of what stands under this key or index."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, Section):
        fields = bare.model_fields.items()
        return next((field.annotation for name, field in fields if (field.alias or name) == part), None)
    arguments = get_args(bare)
    if not arguments:
        return None
    return arguments[0] if isinstance(part, int) else arguments[-1]


def _bare(annotation: Any) -> Any:
    """Take Annotated and `| None` off a type."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(option for option in get_args(annotation) if option is not types.NoneType)
        else:
            return annotation
