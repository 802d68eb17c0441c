"""Looking into a configuration that may be wrong anywhere: what is not as expected is simply not there.

Checks across keys run on the same values as the schema's, not after it, so that one bad key does not hide the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from infra.settings.duration import parse_duration
from infra.settings.quantity import parse_quantity
from infra.settings.scale import DEFAULT_MIN
from infra.settings.strategy import SLOTS, SlotName, Strategy

if TYPE_CHECKING:
    from decimal import Decimal

    from infra.settings.errors import KeyPath

__all__ = [
    "RawModel",
    "RawSpace",
    "as_amount",
    "as_seconds",
    "as_text",
    "as_whole",
    "below",
    "given",
    "mapping",
    "models",
    "spaces",
    "texts",
]


def below(value: object, *keys: str) -> Any:
    """Return what stands under these keys, or None."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def given(value: object, *keys: str) -> bool:
    """Tell whether anything but null stands under these keys."""
    return below(value, *keys) is not None


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


def texts(value: object, *keys: str) -> list[tuple[int, str]]:
    """Return the texts of a list under these keys, each with its index."""
    found = below(value, *keys)
    return [(at, one) for at, one in enumerate(found) if isinstance(one, str)] if isinstance(found, list) else []


def as_whole(value: object) -> int | None:
    """Return a whole number; None for all else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_seconds(value: object) -> float | None:
    """Return the seconds of a duration; None for all else."""
    try:
        return parse_duration(value)
    except ValueError:
        return None


def as_amount(value: object) -> Decimal | None:
    """Return the number that a quantity stands for; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_quantity(str(value))
    except ValueError:
        return None


@dataclass(frozen=True)
class RawModel:
    """One model as it is written."""

    name: str
    values: Mapping[str, Any]

    @property
    def path(self) -> KeyPath:
        """Where the model stands."""
        return ("models", self.name)

    @property
    def team(self) -> str | None:
        """The team's name."""
        return as_text(self.values.get("team"))

    @property
    def priority_class(self) -> str | None:
        """The class of the pods, by its name without the environment."""
        return as_text(self.values.get("priorityClass"))

    @property
    def strategy(self) -> str | None:
        """The strategy; None where it is none of those that there are."""
        found = self.values.get("strategy", "blue-green")
        return found if found in get_args(Strategy) else None

    @property
    def versions(self) -> Mapping[str, Any]:
        """The catalogue."""
        return mapping(self.values, "versions")

    @property
    def known(self) -> list[str]:
        """The names of the versions in the catalogue."""
        return [str(name) for name in self.versions]

    @property
    def filled(self) -> dict[SlotName, str]:
        """The slots that name a version, known or not."""
        slots = mapping(self.values, "slots")
        return {slot: name for slot in SLOTS if (name := as_text(slots.get(slot))) is not None}

    @property
    def active(self) -> SlotName | None:
        """The slot that serves; None where that cannot be told."""
        chosen = self.values.get("active")
        if chosen is None and len(self.filled) == 1:
            return next(iter(self.filled))
        return next((slot for slot in SLOTS if slot == chosen), None)

    @property
    def canary_sends(self) -> bool:
        """Whether any request is to reach the idle slot."""
        canary = mapping(self.values, "canary")
        shares = (as_whole(canary.get(key)) or 0 for key in ("percent", "mirror"))
        return any(shares) or bool(mapping(canary, "match", "headers"))

    @property
    def least(self) -> int | None:
        """`scale.min`, its default where it is not given; None where it is wrong."""
        found = mapping(self.values, "scale").get("min", DEFAULT_MIN)
        number = as_whole(found)
        return number if number is not None and number >= 1 else None

    @property
    def most(self) -> int | None:
        """`scale.max`, its default where it is not given; None where it is wrong."""
        found = mapping(self.values, "scale").get("max")
        if found is None:
            return None if self.least is None else 2 * self.least
        return as_whole(found)

    def setting(self, version: str, section: str, key: str) -> Any:
        """Return what this version says under a key of a section, the model's value where it has none of its own."""
        own = mapping(self.versions.get(version), section)
        return own[key] if key in own else below(self.values, section, key)

    def holders(self) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
        """Go through everything that may hold a version's keys: the model, then each version."""
        yield self.path, self.values
        for name, version in self.versions.items():
            if isinstance(version, Mapping):
                yield (*self.path, "versions", str(name)), version


def models(raw: Mapping[str, Any]) -> Iterator[RawModel]:
    """Go through all models that have any keys."""
    for name, values in mapping(raw, "models").items():
        if isinstance(values, Mapping):
            yield RawModel(str(name), values)


@dataclass(frozen=True)
class RawSpace:
    """One namespace of a team as it is written; `further` is None for the main one."""

    team: str
    further: str | None
    values: Mapping[str, Any]

    @property
    def path(self) -> KeyPath:
        """Where it stands."""
        return ("teams", self.team) if self.further is None else ("teams", self.team, "namespaces", self.further)

    @property
    def stem(self) -> str:
        """Its name in the cluster, without the environment."""
        return self.team if self.further is None else f"{self.team}-{self.further}"


def spaces(raw: Mapping[str, Any]) -> Iterator[RawSpace]:
    """Go through the namespaces of all teams that have any keys."""
    for team, values in mapping(raw, "teams").items():
        if isinstance(values, Mapping):
            yield RawSpace(str(team), None, values)
            for name, further in mapping(values, "namespaces").items():
                if isinstance(further, Mapping):
                    yield RawSpace(str(team), str(name), further)
