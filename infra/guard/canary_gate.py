"""The gate before a model's HTTPRoute: no request is sent to a canary that cannot answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.labels import slot_name
from infra.guard.canary import carrying, grows, shown
from infra.guard.condition import known_wrong, runs_declared
from infra.guard.proof import Proof
from infra.guard.refused import SwitchRefusedError
from infra.guard.wait import NotCarryingError, tell
from infra.observed import read_route, read_slot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from components.labels import Place
    from infra.guard.declared import DeclaredModel
    from infra.observed import ApiServer, ModelSeen, RouteSeen

__all__ = ["CanaryGate"]


class CanaryGate:
    """The hook on one model's HTTPRoute, before it is created or updated, in previews as well.

    It lets pass at once what sends the canary no more than it gets already: going back waits for nothing. `resolve`
    gives the model with images and contents once the engine knows them; `size` is the floor that this run has declared
    for the canary's slot; `deadline` gives the seconds for which a place is waited for.
    """

    def __init__(
        self,
        *,
        resolve: Callable[[], Awaitable[DeclaredModel]],
        seen: ModelSeen,
        size: int,
        connect: Callable[[], ApiServer],
        deadline: Callable[[Place], float],
        report: Callable[[str], None] | None = None,
        dry_run: Callable[[], bool] = pulumi.runtime.is_dry_run,
    ) -> None:
        self._resolve, self._seen, self._size = resolve, seen, size
        self._connect, self._deadline = connect, deadline
        self._report = report or tell
        self._dry_run = dry_run

    async def __call__(self, _: pulumi.ResourceHookArgs) -> None:
        """Let the route be created or updated, or raise SwitchRefusedError."""
        model = await self._resolve()
        if self._dry_run():
            await self._preview(model)
        else:
            await self._pass(model)

    async def _preview(self, model: DeclaredModel) -> None:
        """Refuse only what this plan leaves as it is and waiting cannot cure."""
        if not grows(model, self._seen.route):
            return
        place = model.idle_slot
        declared, live = model.slots[place], self._seen.at(place)
        refused = known_wrong(model, place, self._seen)
        if not refused and runs_declared(declared, live) and live.settled and live.ready:
            wrong = await self._proof(model, 0).wrong_now()
            name = slot_name(model.name, place)
            refused = [f"{name} already is version {declared.version}, but {wrong}"] if wrong else []
        if refused:
            raise SwitchRefusedError(f"{model.name}: no canary on {place}: " + "; ".join(refused))

    async def _pass(self, model: DeclaredModel) -> None:
        if model.canary is None or model.idle_slot not in model.slots:
            return
        proof = self._proof(model, self._size)
        live: RouteSeen | None = None
        try:
            live = await proof.wait.ask(lambda api: read_route(api, model.namespace, model.name))
            if not grows(model, live):
                return
            serving = await proof.wait.ask(lambda api: read_slot(api, model.namespace, model.name, model.active))
            needed = min(carrying(model.canary, serving.running), model.maximum)
            proof.wait.size = max(self._size, needed)
            await proof.given()
        except NotCarryingError as error:
            stays = "is not made" if live is None else f"goes on sending {shown(live)}"
            raise SwitchRefusedError(
                f"{model.name}: no canary on {model.idle_slot} (version {model.slots[model.idle_slot].version}): "
                f"{error}. HTTPRoute {model.name} {stays}: {error.cure}."
            ) from None

    def _proof(self, model: DeclaredModel, size: int) -> Proof:
        place = model.idle_slot
        return Proof(
            model, place, size=size, connect=self._connect, deadline=self._deadline(place), report=self._report
        )
