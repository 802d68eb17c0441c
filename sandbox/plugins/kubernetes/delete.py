"""Delete: an object and what depends on it, or a patch's hold on its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.plugins.kubernetes.apply import relinquish
from sandbox.plugins.kubernetes.checkpoint import outputs, read_checkpoint
from sandbox.plugins.kubernetes.errors import ApiError, InitializationError, NoSuchKindError, UnreachableError
from sandbox.plugins.kubernetes.identity import Identity, annotation, identify, is_patch, parse_id
from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.kubernetes.readiness import NotReadyError, await_deleted, awaits, timeout_for

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.session import Session
    from sandbox.plugins.properties import Properties

__all__ = ["delete"]

_PROPAGATION = {"orphan": "Orphan", "background": "Background", "foreground": "Foreground"}

_UNREACHABLE = (
    "configured Kubernetes cluster is unreachable. If the cluster was deleted, you can remove this resource from "
    'Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)


def delete(session: Session, urn: str, identifier: str, state: Properties, *, timeout: float) -> None:
    """Delete an object and wait until it is gone, finalizers and dependents included; one that is gone is success.

    Dependents go first (foreground), as with the official provider, unless the annotation
    `pulumi.com/deletionPropagationPolicy` says otherwise.

    Raises:
        ProviderError: the API server refuses or does not answer.
        InitializationError: its deletion has begun but did not end in time.

    """
    old = read_checkpoint(state)
    declared = old.inputs or old.live
    seen = identify(old.live)
    namespace, name = parse_id(identifier)
    identity = Identity(seen.api_version, seen.kind, name, namespace or seen.namespace)
    try:
        if is_patch(urn, seen.kind):
            relinquish(session, identity, field_manager(declared, urn, old.manager))
            return
        uid = (old.live.get("metadata") or {}).get("uid")
        if uid in session.adopted:
            session.engine.warn(urn, f"{identity.what} is kept: the new resource of the same name has become its owner")
            return
        wish = annotation(declared, "pulumi.com/deletionPropagationPolicy").lower()
        session.client.delete(identity, propagation=_PROPAGATION.get(wish, "Foreground"))
        if awaits(declared, "delete"):
            await_deleted(
                session.client,
                {**old.live, "metadata": {**old.live.get("metadata", {}), "name": name}},
                timeout=timeout_for(declared, "delete", timeout or None),
                status=session.status(urn),
                cancelled=session.cancelled,
            )
            session.engine.status(urn, "")
    except NoSuchKindError:  # its definition is gone, and the object with it
        return
    except ApiError as error:
        if not error.not_found:
            raise
    except UnreachableError as error:
        session.engine.warn(urn, f"configured Kubernetes cluster is unreachable: {error}")
        if not session.configuration.delete_unreachable:
            raise UnreachableError(_UNREACHABLE) from None
        session.engine.info(urn, "deleteUnreachable is set: the resource is removed from the state")
    except NotReadyError as error:
        manager = field_manager(declared, urn, old.manager)
        kept = outputs(old.inputs, error.obj, initial_api_version=old.initial_api_version, manager=manager)
        raise InitializationError(identifier, kept, error.reasons) from None
