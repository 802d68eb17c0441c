"""The gate before the routing Service: traffic moves only onto a slot that carries the load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.labels import SLOT, SLOTS, slot_name
from infra.guard.answer import Question
from infra.guard.catalogue import slot_changes
from infra.guard.floors import bounded, switching
from infra.guard.ledger import known
from infra.guard.plan import switch_refusals
from infra.guard.refused import SwitchRefusedError
from infra.guard.values import value
from infra.guard.wait import NotCarryingError, SlotWait, tell
from infra.observed import ApiError, UnreachableError, read_selector, read_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ApiServer, ModelSeen, SlotSeen

__all__ = ["Gate"]


class Gate:
    """The hook on one model's routing Service, before it is created or updated, in previews as well.

    `size` is the floor that this run has declared for the target. `images` and `contents` are the slots' as the
    program declares them, Outputs where an image is built; set by `declare` once the slots are registered,
    which is before the engine calls any hook. `deadline` is in seconds, for the whole wait. `carried` is the target as
    it was when it was let pass, None where it was not asked.
    """

    def __init__(
        self,
        *,
        model: DeclaredModel,
        seen: ModelSeen,
        size: int,
        connect: Callable[[], ApiServer],
        deadline: float,
        report: Callable[[str], None] | None = None,
        dry_run: Callable[[], bool] = pulumi.runtime.is_dry_run,
    ) -> None:
        self._model = model
        self._seen = seen
        self._size = size
        self._serving: str | None = seen.routing
        self._connect = connect
        self._deadline = deadline
        self._report = report or tell
        self._dry_run = dry_run
        self._images: Mapping[str, pulumi.Input[str] | None] = {}
        self._contents: Mapping[str, pulumi.Input[str] | None] = {}
        self._name = slot_name(model.name, model.active)
        self.carried: SlotSeen | None = None

    def declare(
        self,
        *,
        images: Mapping[str, pulumi.Input[str] | None],
        contents: Mapping[str, pulumi.Input[str] | None],
    ) -> None:
        """Take the slots' images and content hashes, which may be known only when the engine has run."""
        self._images, self._contents = images, contents

    async def __call__(self, args: pulumi.ResourceHookArgs) -> None:
        """Let the Service be created or updated, or raise SwitchRefusedError."""
        # What another hand has changed is moved back by any update of the Service, whatever the engine compares.
        if not (_moves(args) or switching(self._model, self._seen)):
            return
        model = await self.resolved()
        target = model.target
        if target is None:
            raise SwitchRefusedError(f"{model.name}: slot {model.active} has no version")
        if changed := slot_changes(model, known(self._seen)):
            raise SwitchRefusedError(f"{model.name}: " + "; ".join(changed))
        if self._dry_run():
            await self._preview(model, target)
            return
        await self._pass(args, target)

    async def _preview(self, model: DeclaredModel, target: DeclaredSlot) -> None:
        """Refuse only what this plan leaves as it is and waiting cannot cure."""
        refused = switch_refusals(model, self._seen)
        live = self._seen.slots[model.active]
        unchanged = target.content is not None and live.content == target.content
        if not refused and unchanged and live.settled and live.ready and target.smoke is not None:
            try:
                wrong = await self._question(target).once()
            except (ApiError, UnreachableError):
                wrong = None  # the `up` may find it mended; only a model's own wrong answer is known to stay
            if wrong is not None:
                refused = [f"{self._name} already is version {target.version}, but {wrong}"]
        if refused:
            raise SwitchRefusedError(f"{model.name}: " + "; ".join(refused))

    async def _pass(self, args: pulumi.ResourceHookArgs, target: DeclaredSlot) -> None:
        """Wait until the target carries the load and answers; refuse at the deadline, or earlier."""
        slot = SlotWait(
            connect=self._connect,
            namespace=self._model.namespace,
            model=self._model.name,
            slot=self._model.active,
            size=self._size,
            image=target.image,
            deadline=self._deadline,
            report=self._report,
        )
        try:
            live = await slot.ask(lambda api: read_selector(api, self._model.namespace, self._model.name))
            self._serving = None if live is None else live.get(SLOT)
            if args.old_inputs is None and self._serving == self._model.active:
                return  # a Service that Pulumi makes may stand already (adoption): nothing moves
            slot.size = await self._size_now(slot)
            question = self._question(target)
            self.carried = await slot.until_carrying(lambda: question.until_answered(lambda: slot.over))
        except NotCarryingError as error:
            raise SwitchRefusedError(self._sentence(target, str(error), error.cure)) from None

    async def _size_now(self, slot: SlotWait) -> int:
        """Give the size that the target needs: the declared floor, or more where the load has grown since.

        Minutes may lie between the start of a run and its gate, with an image to build; or the cluster was out of
        reach at the start.
        """
        serving, model = self._serving, self._model
        if serving not in SLOTS or serving == model.active:
            return self._size
        seen = await slot.ask(lambda api: read_slot(api, model.namespace, model.name, serving))
        return bounded(model, max(self._size, seen.running))

    def _question(self, target: DeclaredSlot) -> Question:
        return Question(
            connect=self._connect,
            namespace=self._model.namespace,
            service=self._name,
            smoke=target.smoke,
            report=self._report,
        )

    def _sentence(self, target: DeclaredSlot, missing: str, cure: str = "") -> str:
        model = self._model.name
        stays = f"Service {model} stays on {self._serving}" if self._serving else f"Service {model} is not made"
        sentence = f"{model}: no switch to {self._model.active} (version {target.version}): {missing}. {stays}"
        return f"{sentence}: {cure}." if cure else f"{sentence}."

    async def resolved(self) -> DeclaredModel:
        """Give the model with what has become known of its slots."""
        images = {slot: await value(given) for slot, given in self._images.items()}
        contents = {slot: await value(given) for slot, given in self._contents.items()}
        return self._model.knowing(images=images, contents=contents)


def _moves(args: pulumi.ResourceHookArgs) -> bool:
    """Whether this operation changes where traffic goes: a Service that is made, or another selector."""
    if args.old_inputs is None:
        return True
    old, new = (((inputs or {}).get("spec") or {}).get("selector") for inputs in (args.old_inputs, args.new_inputs))
    return bool(old != new)
