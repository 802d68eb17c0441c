"""What an `up` checks, waits for and puts to sleep once a model stands as declared."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from components.labels import SlotName, slot_name, slot_selector
from infra.guard.answer import Question
from infra.guard.refused import SwitchRefusedError
from infra.guard.sleep import sleeping, unproven, waking
from infra.guard.starts import remembered
from infra.guard.wait import NotCarryingError, SlotWait
from infra.observed import ApiError, UnreachableError, put_to_sleep, read_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.model_slot import Floor
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ApiServer, ModelSeen, SlotSeen

__all__ = ["Aftermath"]

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
        floors: Mapping[SlotName, Floor],
        connect: Callable[[], ApiServer],
        deadline: Callable[[SlotName], float],
        report: Callable[[str], None],
    ) -> None:
        self._model, self._seen, self._floors = model, seen, floors
        self._connect, self._deadline, self._report = connect, deadline, report

    async def slots(self) -> dict[SlotName, SlotSeen]:
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
        trouble = ""
        for attempt in range(_TRIES):
            try:
                live = await asyncio.to_thread(lambda: read_selector(self._connect(), model.namespace, model.name))
            except (ApiError, UnreachableError) as error:
                trouble = str(error)
                await asyncio.sleep(attempt)
                continue
            if live is None or dict(live) != declared:
                found = "does not exist" if live is None else f"selects {_selector(live)}"
                raise SwitchRefusedError(
                    f"{model.name}: Service {model.name} in {model.namespace} {found}, declared is "
                    f"{_selector(declared)}: another hand changed it. Run `pulumi refresh`, then `pulumi up` again"
                )
            return
        raise SwitchRefusedError(f"{model.name}: where its Service sends could not be checked: {trouble}")

    async def _slot(self, slot: SlotName) -> SlotSeen | None:
        declared, before = self._model.slots[slot], self._seen.slots[slot]
        if sleeping(self._model, slot, self._seen, self._floors[slot]):
            if before.exists and before.desired == 0 and not unproven(declared, before):
                return None
            # One pod that answers proves a version as well as many do.
            proved = await self._carrying(slot, size=1, smoke=True)
            await self._sleep(slot, proved)
            return proved
        if unfinished(declared, before) or waking(self._model, slot, self._seen):
            return await self._carrying(slot, size=self._floors[slot].min_replicas, smoke=False)
        return None

    async def _carrying(self, slot: SlotName, *, size: int, smoke: bool) -> SlotSeen:
        model, declared = self._model, self._model.slots[slot]
        wait = SlotWait(
            connect=self._connect,
            namespace=model.namespace,
            model=model.name,
            slot=slot,
            size=size,
            image=declared.image,
            deadline=self._deadline(slot),
            report=self._report,
        )
        question = Question(
            connect=self._connect,
            namespace=model.namespace,
            service=slot_name(model.name, slot),
            smoke=declared.smoke,
            report=self._report,
        )
        try:
            return await wait.until_carrying((lambda: question.until_answered(lambda: wait.over)) if smoke else None)
        except NotCarryingError as error:
            raise SwitchRefusedError(
                f"{model.name}: version {declared.version} does not come up in slot {slot}: {error}: {error.cure}."
            ) from None

    async def _sleep(self, slot: SlotName, proved: SlotSeen) -> None:
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
