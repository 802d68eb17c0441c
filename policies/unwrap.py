"""From what a program, a state or a file holds to plain values, for rules to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulumi_policy import proxy

from policies.rules.concealed import Concealed
from policies.rules.unknown import UNKNOWN

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import ListValue, Struct, Value

__all__ = ["plain", "unwrapped"]

# The engine's marks in what it sends and stores: a secret, and a value that is not known in a preview.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a mark, and no secret itself
_UNKNOWN = frozenset(
    {
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
    }
)
# In a state file a secret's value is encrypted, and a preview's JSON shows this in its place.
_SEALED = Concealed("[secret]")


def unwrapped(struct: Struct) -> dict[str, Any]:
    """Turn what the engine sends into dicts, lists, whole numbers, secrets, and UNKNOWN.

    By hand: the library's own way through JSON takes four times as long, and this is most of what a pack costs.
    """
    return {key: _value(value, concealed=False) for key, value in struct.fields.items()}


def _value(value: Value, *, concealed: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return _text(value.string_value, concealed=concealed)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "struct_value":
        return _struct(value.struct_value, concealed=concealed)
    if kind == "list_value":
        return _list(value.list_value, concealed=concealed)
    return value.bool_value if kind == "bool_value" else None


def _struct(struct: Struct, *, concealed: bool) -> Any:
    fields = struct.fields
    if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
        return _value(fields["value"], concealed=True)
    return {key: _value(value, concealed=concealed) for key, value in fields.items()}


def _list(values: ListValue, *, concealed: bool) -> list[Any]:
    return [_value(value, concealed=concealed) for value in values.values]


def _text(text: str, *, concealed: bool) -> Any:
    if text in _UNKNOWN:
        return UNKNOWN
    return Concealed(text) if concealed else text


def plain(value: Any, *, concealed: bool = False) -> Any:
    """Turn what a file or a program holds into the same."""
    if isinstance(value, str):
        return _text(value, concealed=concealed)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            # Shown secrets (`stack export --show-secrets`) are JSON text; others cannot be looked at.
            return plain(value["value"], concealed=True) if "value" in value else _SEALED
        return {str(key): plain(inner, concealed=concealed) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [plain(inner, concealed=concealed) for inner in value]
    return value if value is None or isinstance(value, bool | int) else str(value)
