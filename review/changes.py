"""What a plan does to each resource, with the values that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["CREATE", "DELETE", "REPLACE", "UNKNOWN", "UPDATE", "Change", "Difference", "Step", "changes", "differences"]

CREATE, UPDATE, REPLACE, DELETE = "create", "update", "replace", "delete"

# The engine's operations, by what they come to. A replacement is three steps, told as one.
_OPERATIONS = {
    "create": CREATE,
    "import": CREATE,
    "update": UPDATE,
    "replace": REPLACE,
    "create-replacement": REPLACE,
    "delete-replaced": REPLACE,
    "import-replacement": REPLACE,
    "delete": DELETE,
}

# What the engine puts in place of a value that only the update will know.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a plan: what the engine would do to one resource, the unchanged ones included."""

    operation: str
    type: str
    """`kubernetes:apps/v1:Deployment`"""
    name: str
    """The resource's name in the program."""
    custom: bool = True
    """Whether a provider has it; a component is only a name for others."""
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    keys: tuple[str, ...] = ()
    """For a replacement, the properties that ask for it."""
    diffs: tuple[str, ...] = ()
    """The properties that the provider says differ, in the cluster as well."""

    @property
    def does(self) -> str | None:
        """What it comes to, None for nothing."""
        return _OPERATIONS.get(self.operation)

    @property
    def kind(self) -> str:
        """The Kubernetes kind: `Deployment`."""
        return self.type.rpartition(":")[2]

    @property
    def object(self) -> str:
        """How people name it: `fraud-prod/churn-blue`, `fraud-prod`."""
        metadata = (self.new or self.old or {}).get("metadata")
        named = metadata if isinstance(metadata, Mapping) else {}
        name, namespace = named.get("name"), named.get("namespace")
        if not isinstance(name, str):
            return self.name
        return f"{namespace}/{name}" if isinstance(namespace, str) else name


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value: where, what it was (None: not there) and what it will be."""

    path: str
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource."""

    does: str
    kind: str
    object: str
    differences: tuple[Difference, ...] = ()
    because: tuple[str, ...] = ()
    """For a replacement, the properties that ask for it."""

    def __str__(self) -> str:
        return f"{self.does} {self.kind} {self.object}"


def changes(steps: Sequence[Step]) -> list[Change]:
    """Give the changes of a plan, one a resource, in the engine's order; without providers and components."""
    found: dict[tuple[str, str, str], Change] = {}
    for step in steps:
        key = (step.type, step.name, step.object)
        if step.does is None or not step.custom or step.type.startswith("pulumi:"):
            continue
        if key in found and found[key].does == REPLACE:
            continue
        listed = tuple(differences(step.old, step.new)) or tuple(Difference(path=path) for path in step.diffs)
        found[key] = Change(does=step.does, kind=step.kind, object=step.object, differences=listed, because=step.keys)
    return list(found.values())


def differences(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Difference]:
    """Compare two sets of properties, value by value; of None every value is missing."""
    before, after = dict(_flat(old or {})), dict(_flat(new or {}))
    for path in dict.fromkeys([*before, *after]):
        if before.get(path) != after.get(path):
            yield Difference(path=path, old=before.get(path), new=after.get(path))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key in value:
            # What a provider notes for itself is nobody's property.
            if not str(key).startswith("__"):
                yield from _flat(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, held in enumerate(value):
            yield from _flat(held, f"{path}[{_label(held, index)}]")
    else:
        yield path, _text(value)


def _label(value: Any, index: int) -> str:
    """Name an item as Kubernetes does where it has a name, so that one more container is not a change of all."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else str(index)


def _text(value: Any) -> str:
    if value == UNKNOWN:
        return "[known when it is applied]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
