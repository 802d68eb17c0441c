"""What an update would change: the program's inputs against the inputs of the last update.

Three things decide: what was declared, what is declared now, and, for what is no longer declared, whether
we own it, since an apply takes away only that. Drift shows after a refresh, which brings the inputs in the
state in line with the live object (`read`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.identity import identify, is_patch
from sandbox.plugins.kubernetes.immutable import forces_replacement, immutable_paths
from sandbox.plugins.kubernetes.manifest import without_read_only
from sandbox.plugins.kubernetes.naming import is_autonamed
from sandbox.plugins.kubernetes.ownership import Path, foreign_managers
from sandbox.plugins.kubernetes.property_paths import covers, parse_path, render_path
from sandbox.plugins.kubernetes.quantities import is_quantity, same_quantity
from sandbox.plugins.properties import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.plugins.kubernetes.checkpoint import Checkpoint
    from sandbox.plugins.kubernetes.configuration import Configuration

__all__ = ["Change", "Difference", "Kind", "compare", "diff"]


class Kind(Enum):
    """What happens to a field."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One field that differs."""

    path: tuple[str | int, ...]
    kind: Kind


@dataclass(frozen=True)
class Difference:
    """The answer to the engine's Diff: each change by its property path, and which of them need a new object."""

    changes: dict[str, Change] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False


def diff(
    urn: str,
    old: Checkpoint,
    new: dict[str, Any],
    *,
    ignore: Sequence[str],
    manager: str,
    configuration: Configuration,
    namespaced: bool,
) -> Difference:
    """Compare a resource's state with its new inputs, both plain."""
    before, after = without_read_only(old.inputs), without_read_only(new)
    _settle_identity(before, after, old.live, namespaced=namespaced)
    ignored = [parse_path(text) for text in ignore]
    patch = is_patch(urn, identify(new).kind)
    frozen = immutable_paths(
        after,
        patch=patch,
        config_map_mutable=configuration.enable_config_map_mutable,
        secret_mutable=configuration.enable_secret_mutable,
    )
    changes: dict[str, Change] = {}
    replaces = []
    for change in compare(before, after):
        if any(covers(path, change.path) for path in ignored):
            continue
        if change.kind is Kind.DELETE and foreign_managers(old.live, change.path, manager):
            continue  # another manager owns it: an apply without it leaves it as it is
        text = render_path(change.path)
        changes[text] = change
        if forces_replacement(change.path, frozen):
            replaces.append(text)
    was, will_be = identify(old.live), identify(after)
    # Said even when nothing here needs a replacement: the engine may want one of its own (replaceOnChanges),
    # and two objects of one name cannot be.
    same_object = will_be.name != "" and (was.name, was.namespace) == (will_be.name, will_be.namespace)
    return Difference(changes, replaces, delete_first=same_object and not patch and not is_autonamed(after))


def _settle_identity(before: dict[str, Any], after: dict[str, Any], live: dict[str, Any], *, namespaced: bool) -> None:
    """Compare the coordinates with those that the object really has: a default spelt out changes nothing."""
    metadata = live.get("metadata") or {}
    for side in (before, after):
        if not isinstance(side.get("metadata"), dict):
            if side.get("metadata") is UNKNOWN:
                continue
            side["metadata"] = {}
        place = side["metadata"]
        if not namespaced:
            place.pop("namespace", None)
        elif not place.get("namespace"):
            place["namespace"] = "default"
    if isinstance(before["metadata"], dict) and metadata.get("name"):
        before["metadata"]["name"] = metadata["name"]
        if namespaced and metadata.get("namespace"):
            before["metadata"]["namespace"] = metadata["namespace"]
    for side in (before, after):
        if str(side.get("apiVersion", "")).startswith("core/"):
            side["apiVersion"] = str(side["apiVersion"]).removeprefix("core/")


def compare(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """Yield every difference at the deepest place where both sides still have the same shape.

    Lists are compared element by element in their order, as the engine shows them.
    """
    place = tuple(path)
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_keys(old, new, place)
    elif isinstance(old, list) and isinstance(new, list):
        # An index is the key of an element: what one list has and the other has not was added or deleted.
        yield from _compare_keys(dict(enumerate(old)), dict(enumerate(new)), place)
    elif new is UNKNOWN or not _same(old, new, place):
        yield Change(place, Kind.UPDATE)


def _compare_keys(old: dict[Any, Any], new: dict[Any, Any], place: tuple[str | int, ...]) -> Iterator[Change]:
    for key, value in new.items():
        if key in old:
            yield from compare(old[key], value, (*place, key))
        elif value is not None:
            yield Change((*place, key), Kind.ADD)
    yield from (Change((*place, key), Kind.DELETE) for key in old if key not in new and old[key] is not None)


def _same(old: Any, new: Any, path: Path) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new) or (is_quantity(path) and same_quantity(old, new))
