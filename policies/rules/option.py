"""What may be configured of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

__all__ = ["Option"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One setting of a rule: its type, what holds when nothing is said, and what it means."""

    type: Any
    default: Any
    says: str
    """What it means, with the reason of its default."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema that Pulumi checks a `--policy-pack-config` file by."""
        return {**TypeAdapter(self.type).json_schema(), "description": self.says, "default": self.default}

    def read(self, value: Any) -> Any:
        """Return a value in its type; whole numbers reach a pack as floats.

        Raises:
            ValueError: it is none of this type; the message says what is allowed.

        """
        try:
            return TypeAdapter(self.type).validate_python(value)
        except ValidationError as error:
            raise ValueError("; ".join(one["msg"] for one in error.errors())) from None
