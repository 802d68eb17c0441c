"""What of a plan is refused before anything is touched.

Pure. A refusal names only what this plan leaves as it is and waiting cannot cure; everything that only
an `up` can know is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.guard.catalogue import catalogue_changes
from infra.guard.condition import known_wrong
from infra.guard.floors import moving
from infra.guard.ledger import known
from infra.guard.quota import quota_shortfalls

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from infra.guard.declared import DeclaredModel
    from infra.observed.state import ModelSeen, Observed

__all__ = [
    "Refusal",
    "refusals",
    "switch_refusals",
    "together",
]


# A gateway that cannot may still accept the rule, and answer 500 to every request of it.
_NO_MIRROR = "canary.mirror: the gateway cannot send copies of requests (HTTPRoute filter RequestMirror): leave it out"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a plan cannot be carried out: what is missing, and what to do about it."""

    model: str
    text: str

    def __str__(self) -> str:
        return f"{self.model}: {self.text}"


def refusals(models: Iterable[DeclaredModel], observed: Observed, now: datetime) -> list[Refusal]:
    """Find every model whose switch cannot succeed whatever one waits for."""
    declared = list(models)
    found: list[Refusal] = []
    for model in declared:
        if model.target is None:
            found.append(
                Refusal(
                    model=model.name,
                    text=f"active is {model.active}, but slot {model.active} has no version: "
                    f"name one in models.{model.name}.slots.{model.active}",
                )
            )
        elif observed.unreachable is None:
            seen = observed.model(model.name)
            texts = catalogue_changes(model, known(seen)) + switch_refusals(model, seen)
            if model.canary is not None and model.canary.mirror and not observed.mirrors:
                texts.append(_NO_MIRROR)
            found += [Refusal(model=model.name, text=text) for text in texts]
    if observed.unreachable is None:
        shortfalls = quota_shortfalls(declared, observed, now)
        found += [Refusal(model=name, text=text) for name, text in shortfalls.items()]
    return found


def switch_refusals(model: DeclaredModel, seen: ModelSeen) -> list[str]:
    """Find what in a model's own slots makes its switch, or its first deployment, impossible."""
    target = model.target
    if target is None or not moving(model, seen):
        return []
    found: list[str] = []
    serving = seen.routing
    if serving is not None and serving in model.slots:
        declared, running = model.slots[serving].content, seen.at(serving).content
        if declared is not None and running is not None and declared != running:
            found.append(together(serving, model.active))
    found += known_wrong(model, model.active, seen)
    return found


def together(serving: str, target: str) -> str:
    """Say why a switch cannot come with a change of the slot that serves."""
    return (
        f"slot {serving}, which serves now, would change together with the switch to {target}, and there would be "
        f"nothing to go back to: leave slot {serving} as it is and add a version instead"
    )
