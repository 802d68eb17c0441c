"""Writing an object: server-side apply under one field manager a resource, and what stands in its way."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.client import APPLY, JSON_PATCH
from sandbox.plugins.kubernetes.errors import ApiError, ProviderError, explain_conflict
from sandbox.plugins.kubernetes.identity import Identity, identify, is_annotated
from sandbox.plugins.kubernetes.ownership import needs_takeover, takeover_patch

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.session import Session

__all__ = ["applied", "guarded", "is_forced", "located", "minimal", "relinquish", "take_over"]


def located(session: Session, body: dict[str, Any]) -> Identity:
    """Return an object's coordinates as the API server addresses it; repairs a namespace that the kind does not have.

    A custom resource was checked before its definition was there, and so was taken to have a namespace.
    """
    identity = identify(body)
    if not identity.name:
        raise ProviderError(f"{identity.kind} has no name")
    if identity.namespace and not session.client.discovery.resource(identity.api_version, identity.kind).namespaced:
        body["metadata"].pop("namespace", None)
        return identity.within(None)
    return identity


def is_forced(session: Session, body: dict[str, Any]) -> bool:
    """Tell whether fields of other managers are to be taken over."""
    return is_annotated(body, "pulumi.com/patchForce") or session.configuration.enable_patch_force


def applied(
    session: Session,
    urn: str,
    identity: Identity,
    body: dict[str, Any],
    *,
    manager: str,
    force: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Apply an object and return what came of it.

    Raises:
        ProviderError: another manager owns a declared field; tells which, whose, and the ways out.
        ApiError: any other refusal.

    """
    try:
        return session.client.patch(
            identity,
            body,
            APPLY,
            manager=manager,
            force=force,
            dry_run=dry_run,
            warn=session.warn(urn),
        )
    except ApiError as error:
        if error.field_conflict:
            raise explain_conflict(error, identity.what, manager) from None
        raise


def take_over(session: Session, identity: Identity, manager: str) -> dict[str, Any] | None:
    """Hand the fields of this object's former writers to our manager; returns the object, None when it is gone."""
    for _ in range(5):  # a controller may write the object between our reading and our patch
        live = session.client.find(identity)
        if live is None or not needs_takeover(live, manager):
            return live
        try:
            return session.client.patch(identity, takeover_patch(live, manager), JSON_PATCH, manager=manager)
        except ApiError as error:
            if not error.version_conflict:
                raise
    raise ProviderError(f"{identity.what} changes too fast to take its fields over; try again")


def minimal(identity: Identity) -> dict[str, Any]:
    """Return an object that declares nothing but itself."""
    metadata = {"name": identity.name, **({"namespace": identity.namespace} if identity.namespace else {})}
    return {"apiVersion": identity.api_version, "kind": identity.kind, "metadata": metadata}


def relinquish(session: Session, identity: Identity, manager: str) -> None:
    """Let go of every field: those that nobody else owns disappear, the object stays.

    Raises:
        ProviderError: a field that the kind requires would disappear.

    """
    live = session.client.find(identity)
    if live is None:
        return
    body = minimal(identity)
    body["metadata"]["uid"] = live["metadata"]["uid"]  # never makes the object anew
    try:
        session.client.patch(identity, body, APPLY, manager=manager, force=True)
    except ApiError as error:
        required = [c.get("field", "?") for c in error.causes if c.get("reason") == "FieldValueRequired"]
        if not required:
            raise
        raise ProviderError(
            f"this Patch resource manages a field that {identity.what} requires ({', '.join(required)}), "
            "so it cannot be deleted: set the resource option retainOnDelete, or let another manager own the field",
        ) from None


def guarded(body: dict[str, Any], *, uid: str = "", version: str = "") -> dict[str, Any]:
    """Return a copy that the server accepts only for the object of that uid, or of that version."""
    copy = deepcopy(body)
    if uid:
        copy["metadata"]["uid"] = uid
    if version:
        copy["metadata"]["resourceVersion"] = version
    return copy
