"""Update: the same object with other fields, or, in a preview, what the server would make of it."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.apply import applied, guarded, is_forced, located, relinquish, take_over
from sandbox.plugins.kubernetes.await_object import awaited
from sandbox.plugins.kubernetes.checkpoint import Checkpoint, objects, outputs, read_checkpoint
from sandbox.plugins.kubernetes.client import MERGE_PATCH
from sandbox.plugins.kubernetes.errors import ApiError, NoSuchKindError, ProviderError, UnreachableError
from sandbox.plugins.kubernetes.identity import Identity, is_patch
from sandbox.plugins.kubernetes.manifest import sendable
from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.kubernetes.ownership import foreign_managers, needs_takeover
from sandbox.plugins.kubernetes.property_paths import parse_path
from sandbox.plugins.properties import Properties, has_unknowns, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.plugins.kubernetes.session import Session

__all__ = ["update"]


def update(
    session: Session,
    urn: str,
    olds: Properties,
    news: Properties,
    *,
    ignore: Sequence[str],
    timeout: float,
    preview: bool,
) -> Properties:
    """Change an object and wait until it is ready again; returns the resource's outputs.

    Raises:
        ProviderError: it was not changed.
        InitializationError: it was, but did not become ready.

    """
    inputs, old = objects(news), read_checkpoint(olds)
    body = sendable(plain(inputs))
    server_side = session.configuration.enable_server_side_apply
    if preview and (not server_side or has_unknowns(body)):
        return news
    manager = field_manager(body, urn, old.manager)
    try:
        identity = located(session, body)
        if server_side:
            live = _apply(session, urn, identity, body, old, manager=manager, ignore=ignore, preview=preview)
        else:
            merge = _merge_patch(sendable(old.inputs), body)
            live = session.client.patch(identity, merge, MERGE_PATCH, manager=manager, warn=session.warn(urn))
    except ProviderError as error:
        if preview and _not_previewable(session, urn, error):
            return news
        if isinstance(error, ApiError) and error.not_found:
            raise ProviderError(_gone(identity)) from None
        raise
    version = old.initial_api_version
    if preview:
        return outputs(inputs, live, initial_api_version=version, manager=manager)
    live = awaited(session, urn, inputs, live, manager=manager, version=version, timeout=timeout, operation="update")
    if server_side and old.manager and old.manager != manager:
        relinquish(session, identity, old.manager)
    return outputs(inputs, live, initial_api_version=version, manager=manager)


def _not_previewable(session: Session, urn: str, error: ProviderError) -> bool:
    """Tell whether a failed dry run says nothing against the update itself."""
    if isinstance(error, UnreachableError):
        session.engine.warn(urn, f"planned without the cluster: {error}")
        return True
    if isinstance(error, ApiError) and error.forbidden:
        session.engine.warn(urn, f"planned without a dry run, which the API server refuses: {error}")
        return True
    return isinstance(error, NoSuchKindError) or (isinstance(error, ApiError) and error.dry_run_refused)


def _apply(
    session: Session,
    urn: str,
    identity: Identity,
    body: dict[str, Any],
    old: Checkpoint,
    *,
    manager: str,
    ignore: Sequence[str],
    preview: bool,
) -> dict[str, Any]:
    """Apply the new fields to the object that the state knows, and to no other of that name by mistake."""
    force = is_forced(session, body)
    live: dict[str, Any] | None = None
    # The state tells whether someone else wrote the object before us; asking the server every time would double
    # the requests of each update.
    if not is_patch(urn, identity.kind) and needs_takeover(old.live, manager):
        if preview:
            force = True  # a dry run must not hand fields over, and must not stumble over them either
        else:
            live = take_over(session, identity, manager)
    if ignore:
        live = live or session.client.find(identity)
        if live is None:
            raise ProviderError(_gone(identity))
        body = _without_ignored(body, live, ignore, manager)
    uid = str(((live or old.live).get("metadata") or {}).get("uid") or "")
    try:
        return applied(session, urn, identity, guarded(body, uid=uid), manager=manager, force=force, dry_run=preview)
    except ApiError as error:
        if not error.version_conflict or not uid:
            raise
    live = session.client.find(identity)
    if live is None:
        raise ProviderError(_gone(identity))
    # Someone deleted it and made it again: it is the object of that name, and the program says what it should be.
    again = guarded(body, uid=live["metadata"]["uid"])
    return applied(session, urn, identity, again, manager=manager, force=force, dry_run=preview)


def _gone(identity: Identity) -> str:
    return f"{identity.what} is no longer there: something else deleted it. Run `pulumi refresh`, then update again"


def _without_ignored(body: dict[str, Any], live: dict[str, Any], ignore: Sequence[str], manager: str) -> dict[str, Any]:
    """Leave ignored fields to whoever owns them; those that are ours are applied again as they are now.

    Leaving ours out would delete them, and applying the state's value would undo what is to be ignored.
    """
    result = deepcopy(body)
    for text in ignore:
        path = parse_path(text)
        if "*" in path:
            raise ProviderError(f"ignoreChanges {text!r}: a path with [*] cannot be applied; name the elements")
        found, value = _lookup(live, path)
        if foreign_managers(live, path, manager):
            _remove(result, path)
        elif found:
            _set(result, path, value)
    return result


def _lookup(value: Any, path: Sequence[str | int]) -> tuple[bool, Any]:
    for step in path:
        if isinstance(value, list):
            if not isinstance(step, int) or step >= len(value):
                return False, None
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False, None
    return True, value


def _remove(obj: dict[str, Any], path: Sequence[str | int]) -> None:
    found, parent = _lookup(obj, path[:-1])
    if found and isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif found and isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent):
        del parent[path[-1]]


def _set(obj: dict[str, Any], path: Sequence[str | int], value: Any) -> None:
    target: Any = obj
    for step, following in pairwise(path):
        if isinstance(target, dict):
            target = target.setdefault(step, [] if isinstance(following, int) else {})
        elif isinstance(target, list) and isinstance(step, int) and step < len(target):
            target = target[step]
        else:
            return
    last = path[-1]
    in_list = isinstance(target, list) and isinstance(last, int) and last < len(target)
    if in_list or isinstance(target, dict):
        target[last] = deepcopy(value)


def _merge_patch(old: Any, new: Any) -> dict[str, Any]:
    """Return the JSON merge patch from one set of inputs to another (RFC 7386); lists are replaced whole."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            below = _merge_patch(old[key], value)
            if below:
                patch[key] = below
        elif old.get(key) != value:
            patch[key] = value
    return patch
