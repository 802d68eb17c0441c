"""Properties as the engine sends them, and as the rest of this provider reads them.

On the wire a secret is a map with a signature and an unknown value is a certain text; nothing outside
this module knows either. Source: `sdk/go/common/resource/plugin/rpc.go` of Pulumi 3.255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNKNOWN", "Properties", "Secret", "decode", "encode", "has_secrets", "has_unknowns", "plain"]

Properties = dict[str, Any]
"""An object's fields; a value may be wrapped in `Secret` or be `UNKNOWN`, at any depth."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a signature of the protocol
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"

# One text for each type that the value will have; a Python program sends only the first.
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS = frozenset(
    {
        _UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    },
)


class _Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: dict[int, Any]) -> _Unknown:
        return self


UNKNOWN = _Unknown()
"""A value that only the update will know; it equals nothing but itself."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine must store encrypted and never show."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


def decode(struct: struct_pb2.Struct) -> Properties:
    """Read a message's properties; fields that are null are left out, as the official provider does.

    Raises:
        TypeError: an asset, an archive or another value that no Kubernetes object can hold.

    """
    return {key: value for key, item in struct.fields.items() if (value := _decode(item)) is not None}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWN_TEXTS else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        return _decode_special(fields) if _SIGNATURE in fields else decode(value.struct_value)
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def _decode_special(fields: Mapping[str, struct_pb2.Value]) -> Any:
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_decode(fields["value"]))
    if signature == _OUTPUT:
        value = _decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(value) if "secret" in fields and fields["secret"].bool_value else value
    if signature == _RESOURCE:
        return _decode(fields["id"]) if "id" in fields else UNKNOWN
    raise TypeError("assets and archives cannot be part of a Kubernetes object")


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write properties as a message, secrets and unknowns with their signatures."""
    struct = struct_pb2.Struct()
    _fill(struct, properties)
    return struct


def _fill(struct: struct_pb2.Struct, properties: Mapping[str, Any]) -> None:
    for key, value in properties.items():
        if value is not None:
            _encode(struct.fields[key], value)


def _encode(target: struct_pb2.Value, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        _fill(target.struct_value, value)
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for item in value:
            _encode(target.list_value.values.add(), item)
    elif isinstance(value, Secret):
        fields = target.struct_value.fields
        fields[_SIGNATURE].string_value = _SECRET
        _encode(fields["value"], value.value)
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_TEXT
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    else:
        raise TypeError(f"a value of type {type(value).__name__} cannot be part of an object's properties")


def plain(value: Any) -> Any:
    """Return a copy without the `Secret` wrappers: what is sent to the API server, and what is compared."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return plain(value.value) if isinstance(value, Secret) else value


def has_secrets(value: Any) -> bool:
    """Tell whether anything within is secret."""
    if isinstance(value, dict):
        return any(has_secrets(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secrets(item) for item in value)
    return isinstance(value, Secret)


def has_unknowns(value: Any) -> bool:
    """Tell whether anything within is known only after the update."""
    if isinstance(value, dict):
        return any(has_unknowns(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknowns(item) for item in value)
    return value is UNKNOWN or (isinstance(value, Secret) and has_unknowns(value.value))
