"""What a type accepts, beside its check: in words for people, in a schema for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = ["WORDS", "Checked", "Matching", "Shape"]

WORDS = "x-words"
"""The key of a JSON schema under which a type says in words what it accepts."""


class Checked:
    """Stands in `Annotated`: this function reads the value, and raises ValueError with the whole message.

    For values of several kinds (`30s` or 30, `warm` or 3), for which pydantic would report each kind's failure apart.
    `show` writes a value as it would stand in a file.
    """

    def __init__(
        self,
        read: Callable[[object], Any],
        *,
        words: str,
        schema: Mapping[str, Any],
        show: Callable[[Any], str] | None = None,
    ) -> None:
        self._read = read
        self._schema = {**schema, WORDS: words}
        self.show = show

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, _core: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self._schema)


class Shape:
    """Stands in `Annotated` beside validators, and says to editors what they accept."""

    def __init__(self, *, words: str, **schema: Any) -> None:
        self._schema = {**schema, WORDS: words}

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core), **self._schema}


class Matching(Shape):
    """A Shape of texts, with the check that keeps to it."""

    def __init__(self, check: Callable[[str], str], *, words: str, pattern: str, **schema: Any) -> None:
        super().__init__(words=words, pattern=f"^(?:{pattern})$", **schema)
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))
