"""What an `up` checks, waits for and puts to sleep once a model stands as declared."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pulumi

from components.labels import Place, model_selector, slot_name, slot_selector
from infra.guard.canary import declared_route, shown, split
from infra.guard.proof import Proof
from infra.guard.refused import SwitchRefusedError
from infra.guard.room import room
from infra.guard.sleep import left, sleeping, unproven, waking
from infra.guard.starts import remembered
from infra.guard.wait import NotCarryingError
from infra.observed import ApiError, UnreachableError, put_to_sleep, read_route, read_service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.autoscaler import Floor
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ApiServer, ModelSeen, SlotSeen

__all__ = ["Aftermath"]

_T = TypeVar("_T")

_REFRESH = "Run `pulumi refresh`, then `pulumi up` again"

# An API server that restarts is back in seconds; longer than this, the comparison is left to the next `up`.
_TRIES = 5


class Aftermath:
    """The end of one model's part of an `up`.

    `model` knows images and contents; `seen` is how the model stood before this run, `floors` what this run declared.
    `deadline` gives the seconds for which a slot is waited for. Raises SwitchRefusedError, naming what to do.
    """

    def __init__(
        self,
        *,
        model: DeclaredModel,
        seen: ModelSeen,
        floors: Mapping[Place, Floor],
        connect: Callable[[], ApiServer],
        deadline: Callable[[Place], float],
        report: Callable[[str], None],
        warn: Callable[[str], None] = pulumi.log.warn,
    ) -> None:
        self._model, self._seen, self._floors = model, seen, floors
        self._connect, self._deadline, self._report, self._warn = connect, deadline, report, warn

    async def slots(self) -> dict[Place, SlotSeen]:
        """Await every slot that this run has changed or a former one has left unfinished, and give them as they are.

        The gate asks only the one that traffic moves to; both roll out side by side, and a version that cannot run
        fails the `up` in seconds, each time. A cold slot that has proved itself is put to sleep.
        """
        looked = await asyncio.gather(*(self._slot(slot) for slot in self._model.slots))
        return {slot: seen for slot, seen in zip(self._model.slots, looked, strict=True) if seen is not None}

    async def routing(self) -> None:
        """Compare where traffic really goes with what is declared.

        Import, adoption and drift run no update hook, so that what another hand changed looks unchanged to the engine.
        """
        model = self._model
        declared = dict(slot_selector(model.name, model.active))
        if split(model, self._seen) is not None:
            declared = dict(model_selector(model.name))
        service = await self._read(lambda api: read_service(api, model.namespace, model.name))
        live = None if service is None else (service.get("spec") or {}).get("selector") or {}
        if live != declared:
            found = "does not exist" if live is None else f"selects {_selector(live)}"
            raise SwitchRefusedError(
                f"{model.name}: Service {model.name} in {model.namespace} {found}, declared is "
                f"{_selector(declared)}: another hand changed it. {_REFRESH}"
            )

    async def route(self) -> None:
        """Compare how the gateway really shares requests out with what is declared."""
        model, declared = self._model, declared_route(self._model)
        live = await self._read(lambda api: read_route(api, model.namespace, model.name))
        if live != declared:
            found = "does not exist" if live is None else f"sends {shown(live)}"
            raise SwitchRefusedError(
                f"{model.name}: HTTPRoute {model.name} in {model.namespace} {found}, declared is {shown(declared)}: "
                f"another hand changed it. {_REFRESH}"
            )

    async def _read(self, what: Callable[[ApiServer], _T]) -> _T:
        trouble = ""
        for attempt in range(_TRIES):
            try:
                return await asyncio.to_thread(lambda: what(self._connect()))
            except (ApiError, UnreachableError) as error:
                trouble = str(error)
                await asyncio.sleep(attempt)
        raise SwitchRefusedError(f"{self._model.name}: where its traffic goes could not be checked: {trouble}")

    async def _slot(self, slot: Place) -> SlotSeen | None:
        declared, before = self._model.slots[slot], self._seen.at(slot)
        if unfinished(declared, before) and left(self._model, slot, self._seen):
            version = f"version {declared.version} in slot {slot}"
            self._warn(
                f"{self._model.name}: {version} has no request to answer now, and does not run: mend or replace it"
            )
            return None
        if sleeping(self._model, slot, self._seen, self._floors[slot]):
            if before.exists and before.desired == 0 and not unproven(declared, before):
                return None
            # One pod that answers proves a version as well as many do.
            proved = await self._carrying(slot, size=1, smoke=True)
            await self._sleep(slot, proved)
            return proved
        # A switch asks its target, and so does a canary; what is replaced where it stands is asked by nobody else.
        rolled = self._model.rollout is not None
        if unfinished(declared, before) or waking(self._model, slot, self._seen):
            return await self._carrying(slot, size=self._floors[slot].min_replicas, smoke=rolled)
        return None

    async def _carrying(self, place: Place, *, size: int, smoke: bool) -> SlotSeen:
        model, version = self._model, self._model.slots[place].version
        proof = Proof(
            model,
            place,
            size=size,
            connect=self._connect,
            deadline=self._deadline(place),
            report=self._report,
            extends=model.rollout is not None,
        )
        try:
            return await proof.given(smoke=smoke)
        except NotCarryingError as error:
            where = f"in slot {place}" if model.rollout is None else "where it stands"
            cure = room(model, error.reasons) or error.cure
            raise SwitchRefusedError(
                f"{model.name}: version {version} does not come up {where}: {error}: {cure}."
            ) from None

    async def _sleep(self, slot: Place, proved: SlotSeen) -> None:
        model = self._model
        note = remembered(proved)
        try:
            await asyncio.to_thread(
                lambda: put_to_sleep(self._connect(), model.namespace, slot_name(model.name, slot), note)
            )
        except (ApiError, UnreachableError) as error:
            raise SwitchRefusedError(f"{model.name}: slot {slot} could not be put to sleep: {error}") from None
        self._report(f"{slot_name(model.name, slot)}: has proved itself and sleeps, {proved.desired} → 0")


def unfinished(declared: DeclaredSlot, seen: SlotSeen) -> bool:
    """Whether a slot, as it was seen before this run, has something left to roll out.

    One scaled to zero has not: a switch will wake it. A pod that is away for a moment is no rollout either.
    """
    if seen.exists and seen.desired == 0:
        return False
    changed = declared.content is not None and declared.content != seen.content
    return changed or (seen.exists and (not seen.settled or seen.ready == 0))


def _selector(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or "nothing"
