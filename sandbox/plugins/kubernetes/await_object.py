"""Waiting for what was just written, as part of a create or an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sandbox.plugins.kubernetes.checkpoint import outputs
from sandbox.plugins.kubernetes.errors import InitializationError, ProviderError
from sandbox.plugins.kubernetes.identity import identify
from sandbox.plugins.kubernetes.readiness import NotReadyError, await_ready, awaits, timeout_for
from sandbox.plugins.properties import Properties, plain

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.session import Session

__all__ = ["awaited"]


def awaited(
    session: Session,
    urn: str,
    inputs: Properties,
    live: dict[str, Any],
    *,
    manager: str,
    version: str,
    timeout: float,
    operation: Literal["create", "update"],
) -> dict[str, Any]:
    """Wait until an object is ready, and return it as it is then.

    `timeout` is in seconds, by the resource option customTimeouts; 0 where it has none.

    Raises:
        InitializationError: it did not become ready, for whatever reason; it exists and must stay in the state.

    """
    declared = plain(inputs)
    if not awaits(declared, operation):
        return live
    what = identify(live)
    try:
        ready = await_ready(
            session.client,
            live,
            timeout=timeout_for(declared, operation, timeout or None),
            status=session.status(urn),
            cancelled=session.cancelled,
        )
    except NotReadyError as error:
        seen, reasons = error.obj, error.reasons
    except ProviderError as error:
        seen, reasons = live, [f"{what.what} was written, but whether it became ready is not known: {error}"]
    else:
        session.engine.status(urn, "")
        return ready
    state = outputs(inputs, seen, initial_api_version=version, manager=manager)
    raise InitializationError(what.id, state, reasons)
