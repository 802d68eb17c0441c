"""Looking into a configuration that may be wrong anywhere: what is not as expected is simply not there.

Checks across keys run on the same values as the schema's, not after it, so that one bad key does not hide the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RawModel", "as_text", "below", "mapping", "models"]


def below(value: object, *keys: str) -> Any:
    """Return what stands under these keys, or None."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def mapping(value: object, *keys: str) -> Mapping[str, Any]:
    """Return the mapping under these keys, empty where there is none."""
    found = below(value, *keys)
    return found if isinstance(found, Mapping) else {}


def as_text(value: object) -> str | None:
    """Return text, whole numbers as their digits; None for all else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


@dataclass(frozen=True)
class RawModel:
    """One model as it is written."""

    name: str
    values: Mapping[str, Any]

    @property
    def team(self) -> str | None:
        """The team's name."""
        return as_text(self.values.get("team"))

    @property
    def versions(self) -> Mapping[str, Any]:
        """The catalogue."""
        return mapping(self.values, "versions")

    @property
    def filled(self) -> dict[str, str]:
        """The slots that name a version, known or not."""
        slots = mapping(self.values, "slots")
        return {slot: name for slot in ("blue", "green") if (name := as_text(slots.get(slot))) is not None}

    def resource(self, version: str, key: str) -> Any:
        """Return what this version asks for, the model's value where it has none of its own."""
        own = below(self.versions.get(version), "resources", key)
        return own if own is not None else below(self.values, "resources", key)


def models(raw: Mapping[str, Any]) -> Iterator[RawModel]:
    """Go through all models that have any keys."""
    for name, values in mapping(raw, "models").items():
        if isinstance(values, Mapping):
            yield RawModel(str(name), values)
