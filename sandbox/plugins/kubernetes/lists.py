"""Resources such as `ConfigMapList`: several objects under one resource, each applied on its own.

The API server has no such objects; a list is only how it answers. The program's order is kept, and
deletion goes backwards.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.checkpoint import Checkpoint, mark_secrets, objects, read_checkpoint
from sandbox.plugins.kubernetes.create import create as create_one
from sandbox.plugins.kubernetes.delete import delete as delete_one
from sandbox.plugins.kubernetes.errors import InitializationError, ProviderError
from sandbox.plugins.kubernetes.identity import identify
from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.kubernetes.read import read as read_one
from sandbox.plugins.kubernetes.update import update as update_one
from sandbox.plugins.properties import Properties, Secret, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.kubernetes.session import Session

__all__ = ["check", "create", "delete", "is_list", "read", "update"]

_INTERNAL = ("__inputs", "__initialApiVersion", "__fieldManager")


def is_list(obj: dict[str, Any]) -> bool:
    """Tell whether an object is a list of others."""
    return str(obj.get("kind", "")).endswith("List") and isinstance(plain(obj.get("items")), list)


def _items(obj: dict[str, Any]) -> list[Properties]:
    items = obj.get("items")
    items = items.value if isinstance(items, Secret) else items
    return [item.value if isinstance(item, Secret) else item for item in items or []]


def check(inputs: Properties, place: Callable[[Properties], None]) -> tuple[Properties, list[tuple[str, str]]]:
    """Fill in type and namespace of every element, in place; each must have a name."""
    failures = []
    for index, item in enumerate(_items(inputs)):
        item.setdefault("apiVersion", inputs["apiVersion"])
        item.setdefault("kind", str(inputs["kind"]).removesuffix("List"))
        if not identify(plain(item)).name:
            failures.append((f"items[{index}].metadata.name", "every element of a list needs a name"))
        place(item)
    return inputs, failures


def create(session: Session, urn: str, news: Properties, *, preview: bool) -> tuple[str, Properties]:
    """Create every element; what was made before one fails is kept in the state."""
    return _identifier(urn), _written(session, urn, None, objects(news), preview=preview)


def update(session: Session, urn: str, olds: Properties, news: Properties, *, preview: bool) -> Properties:
    """Create, update and delete elements until they are those of the program."""
    return _written(session, urn, read_checkpoint(olds), objects(news), preview=preview)


def _written(session: Session, urn: str, old: Checkpoint | None, inputs: Properties, *, preview: bool) -> Properties:
    former = {identify(item): state for item, state in _states(old)} if old else {}
    done: list[Properties] = []
    try:
        for item in _items(inputs):
            state = former.pop(identify(plain(item)), None)
            if state is None:
                done.append(create_one(session, urn, item, timeout=0, preview=preview)[1])
            else:
                done.append(update_one(session, urn, state, item, ignore=(), timeout=0, preview=preview))
        if not preview:
            for identity, state in reversed(former.items()):
                delete_one(session, urn, identity.id, state, timeout=0)
    except ProviderError as error:
        if isinstance(error, InitializationError):
            done.append(error.properties)
        if preview or not (done or former):
            raise
        # What is still there of the former elements stays in the state, or nothing would ever delete it.
        raise InitializationError(
            _identifier(urn), _outputs(urn, inputs, [*done, *former.values()]), [str(error)]
        ) from None
    return _outputs(urn, inputs, done)


def read(
    session: Session,
    urn: str,
    identifier: str,
    state: Properties,
    inputs: Properties,
) -> tuple[str, Properties, Properties]:
    """Read every element; the list is gone when all of them are."""
    found = []
    for item, former in _states(read_checkpoint(state)):
        name, outputs, _ = read_one(session, urn, identify(item).id, former, item)
        if name:
            found.append(outputs)
    if not found:
        return "", {}, {}
    current = {**plain(inputs), "items": [outputs["__inputs"] for outputs in found]}
    marked = mark_secrets(current, inputs)
    return identifier, _outputs(urn, marked, found), marked


def delete(session: Session, urn: str, olds: Properties, *, timeout: float) -> None:
    """Delete every element, the last one first."""
    for item, state in reversed(_states(read_checkpoint(olds))):
        delete_one(session, urn, identify(item).id, state, timeout=timeout)


def _identifier(urn: str) -> str:
    return f"list-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def _states(old: Checkpoint) -> list[tuple[dict[str, Any], Properties]]:
    """Return each element's object with the state that it would have as a resource of its own."""
    declared = {identify(item): item for item in old.inputs.get("items") or []}
    return [
        (
            item,
            {
                **item,
                "__inputs": declared.get(identify(item), item),
                "__initialApiVersion": item.get("apiVersion", ""),
                "__fieldManager": old.manager,
            },
        )
        for item in old.live.get("items") or []
    ]


def _outputs(urn: str, inputs: Properties, items: list[Properties]) -> Properties:
    return {
        **{key: value for key, value in inputs.items() if key != "items"},
        "items": [{key: value for key, value in item.items() if key not in _INTERNAL} for item in items],
        "__inputs": inputs,
        "__initialApiVersion": inputs.get("apiVersion", ""),
        "__fieldManager": field_manager({}, urn),
    }
