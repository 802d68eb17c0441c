"""From what a program, a state or a file holds to plain values, for rules to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from policies.rules.concealed import Concealed
from policies.rules.unknown import UNKNOWN

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import ListValue, Struct, Value

__all__ = ["plain", "unwrapped"]

# The engine's marks in what it sends and stores: a secret, and values that are not known in a preview, one a type.
# Source: `sdk/go/common/resource/plugin/rpc.go` of the engine.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a mark, and no secret itself
_UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
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
