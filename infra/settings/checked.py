"""Types of one function: what it accepts, in words for people and in a schema for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = ["WORDS", "Checked"]

WORDS = "x-words"
"""The key of a JSON schema under which a type says in words what it accepts."""


class Checked:
    """Stands in `Annotated`: this function reads the value, and raises ValueError with the whole message.

    For values of several kinds (`30s` or 30, `warm` or 3), for which pydantic would report each kind's failure apart.
    """

    def __init__(self, read: Callable[[object], Any], *, words: str, schema: Mapping[str, Any]) -> None:
        self._read = read
        self._schema = {**schema, WORDS: words}

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, _core: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self._schema)
