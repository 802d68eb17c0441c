"""Create: an object that must not be there yet, or, in a preview, what the server would make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.apply import applied, guarded, is_forced, located
from sandbox.plugins.kubernetes.await_object import awaited
from sandbox.plugins.kubernetes.checkpoint import objects, outputs, preview_outputs
from sandbox.plugins.kubernetes.errors import ApiError, NoSuchKindError, ProviderError, UnreachableError
from sandbox.plugins.kubernetes.identity import Identity, identify, is_patch
from sandbox.plugins.kubernetes.manifest import sendable
from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.kubernetes.readiness import NotReadyError, await_deleted, timeout_for
from sandbox.plugins.properties import Properties, has_unknowns, plain

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.session import Session

__all__ = ["create"]

# etcd's first revision is 1 and holds no object: an apply for that version can only create.
_NEVER = "1"

# A namespace or a definition that is made in the same update, by a resource that this one does not name, may be a
# little late: five more tries over 15 s, half of what the official provider waits.
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

_WITHOUT_SERVER_SIDE = "pulumi-kubernetes"


class _ExistsError(ProviderError):
    """There is an object of this name, and it is not ours."""


def create(session: Session, urn: str, news: Properties, *, timeout: float, preview: bool) -> tuple[str, Properties]:
    """Create an object and wait until it is ready; returns the resource's id and outputs.

    Raises:
        ProviderError: it was not created.
        InitializationError: it was, but did not become ready.

    """
    inputs = objects(news)
    body = sendable(plain(inputs))
    patch = is_patch(urn, identify(body).kind)
    server_side = session.configuration.enable_server_side_apply
    if preview and (patch or not server_side or has_unknowns(body)):
        return "", news
    manager = field_manager(body, urn) if server_side else _WITHOUT_SERVER_SIDE
    version = str(body.get("apiVersion", ""))
    try:
        live = _written(session, urn, body, manager=manager, patch=patch, preview=preview)
        if live["metadata"].get("deletionTimestamp") and not (patch or preview):
            # An apply to an object that is on its way out succeeds, and a moment later all of it is gone.
            _await_gone(session, urn, live, timeout=timeout_for(inputs, "delete", timeout or None))
            live = _written(session, urn, body, manager=manager, patch=patch, preview=preview)
    except ProviderError as error:
        if preview and _not_previewable(session, urn, error):
            return "", news
        if isinstance(error, NoSuchKindError):
            raise ProviderError(
                f"{error}: verify that any required CustomResourceDefinitions have been created, "
                "and that this resource depends on them (dependsOn)",
            ) from None
        raise
    state = outputs(inputs, live, initial_api_version=version, manager=manager)
    if preview:
        return "", preview_outputs(state, body)
    live = awaited(session, urn, inputs, live, manager=manager, version=version, timeout=timeout, operation="create")
    return identify(live).id, outputs(inputs, live, initial_api_version=version, manager=manager)


def _await_gone(session: Session, urn: str, live: dict[str, Any], *, timeout: float) -> None:
    try:
        await_deleted(session.client, live, timeout=timeout, status=session.status(urn), cancelled=session.cancelled)
    except NotReadyError:
        raise _ExistsError(_already_exists(identify(live), live)) from None


def _not_previewable(session: Session, urn: str, error: ProviderError) -> bool:
    """Tell whether a failed dry run says nothing against the update: then the inputs stand in for the outcome.

    That is so when something of the same plan is not there yet (a namespace, a definition, the predecessor of a
    replacement), or when the dry run itself may not be asked for. Any other refusal would meet the update as well.
    """
    if isinstance(error, UnreachableError):
        session.engine.warn(urn, f"planned without the cluster: {error}")
        return True
    if isinstance(error, ApiError) and error.forbidden:
        session.engine.warn(urn, f"planned without a dry run, which the API server refuses: {error}")
        return True
    if isinstance(error, ApiError):
        return error.not_found or error.dry_run_refused
    return isinstance(error, NoSuchKindError | _ExistsError)


def _written(
    session: Session,
    urn: str,
    body: dict[str, Any],
    *,
    manager: str,
    patch: bool,
    preview: bool,
) -> dict[str, Any]:
    for number, pause in enumerate((*_PAUSES, None)):
        try:
            live = _write(session, urn, body, manager=manager, patch=patch, preview=preview)
        except (ApiError, NoSuchKindError) as error:
            late = isinstance(error, NoSuchKindError) or error.namespace_missing
            if preview or not late or pause is None:
                raise
            session.engine.status(urn, f"Retry #{number}; creation failed: {error}")
            if session.cancelled.wait(pause):
                raise
        else:
            session.engine.status(urn, "")
            return live
    raise AssertionError  # the last try returns or raises


def _write(
    session: Session,
    urn: str,
    body: dict[str, Any],
    *,
    manager: str,
    patch: bool,
    preview: bool,
) -> dict[str, Any]:
    identity = located(session, body)
    if not session.configuration.enable_server_side_apply:
        return session.client.create(body, manager=manager, warn=session.warn(urn))
    force = is_forced(session, body)
    if patch or session.configuration.upsert_existing_objects:
        return applied(session, urn, identity, body, manager=manager, force=force, dry_run=preview)
    try:
        # Forced, so that it is the version and not a field that an existing object conflicts on.
        once = guarded(body, version=_NEVER)
        return applied(session, urn, identity, once, manager=manager, force=True, dry_run=preview)
    except ApiError as error:
        if not error.version_conflict:
            raise
    existing = session.client.find(identity)
    if existing is None:  # it has just gone: the next try settles it
        return applied(session, urn, identity, body, manager=manager, force=force, dry_run=preview)
    if preview or not _is_orphan(existing, manager):
        raise _ExistsError(_already_exists(identity, existing))
    uid = existing["metadata"]["uid"]
    session.adopted.add(uid)
    session.engine.info(
        urn, f"{identity.what} was made by an update of this resource that was interrupted; going on from it"
    )
    return applied(session, urn, identity, guarded(body, uid=uid), manager=manager, force=force, dry_run=False)


def _is_orphan(existing: dict[str, Any], manager: str) -> bool:
    """Tell whether this very resource made the object, in an update that could not record it.

    The manager's name follows from the URN, and nobody else applies under it.
    """
    metadata = existing["metadata"]
    if metadata.get("deletionTimestamp"):
        return False
    return any(
        entry.get("manager") == manager and entry.get("operation") == "Apply"
        for entry in metadata.get("managedFields") or []
    )


def _already_exists(identity: Identity, existing: dict[str, Any]) -> str:
    if existing["metadata"].get("deletionTimestamp"):
        held = ", ".join(existing["metadata"].get("finalizers") or []) or "its controllers"
        return f"{identity.what} already exists and is being deleted (held by {held}); try again when it is gone"
    managers = sorted({str(e.get("manager")) for e in existing["metadata"].get("managedFields") or []})
    return (
        f"{identity.what} already exists (managed by {', '.join(managers) or 'nobody on record'}). To manage it, "
        f"import it (`pulumi import`, id {identity.id}) or set `upsertExistingObjects` on the provider; "
        f"to change only some of its fields, use {identity.kind}Patch; "
        "if the resource was renamed in the program, give it an alias"
    )
