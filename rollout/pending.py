"""What waits to be deployed that is not the rollout's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.engine import EngineError
from rollout.target import RefusedError

if TYPE_CHECKING:
    from rollout.engine import Change, Engine
    from rollout.target import Target

__all__ = ["refuse_pending"]

_AUTOSCALER = "HorizontalPodAutoscaler"
_SHOWN = 5


def refuse_pending(engine: Engine, target: Target) -> None:
    """Refuse to deploy what is not this rollout's: a step changes shares, and nothing that waits in a file.

    Autoscalers are let through: an `up` after a soak lets go of their floors, which is no change of anybody's. So are
    this model's own objects when a rollout is under way: whoever ended it may have done so before its `up`.
    Raises RefusedError; one preview is what it costs.
    """
    try:
        pending = engine.pending()
    except EngineError as error:
        raise RefusedError(f"the stack cannot be previewed as it is, so nothing was touched. {error}") from None
    others = [change for change in pending if not _ours(change, target)]
    if not others:
        return
    shown = "; ".join(map(str, others[:_SHOWN]))
    more = f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    raise RefusedError(
        f"something else waits to be deployed, and a rollout would take it along: {shown}{more}. First run: pulumi up"
        f" -s {target.stack}"
    )


def _ours(change: Change, target: Target) -> bool:
    if change.type.endswith(f":{_AUTOSCALER}") and change.operation == "update":
        return True
    names = {target.model, f"{target.model}-blue", f"{target.model}-green"}
    return target.percent > 0 and bool(names & set(change.name.split("/")))
