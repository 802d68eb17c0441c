"""The gate before the routing Service: traffic moves only onto a slot that carries the load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import SLOT, Place, slot_name
from infra.guard.canary import split
from infra.guard.catalogue import slot_changes
from infra.guard.condition import known_wrong, runs_declared
from infra.guard.floors import bounded, switching
from infra.guard.ledger import known
from infra.guard.plan import switch_refusals
from infra.guard.proof import Proof
from infra.guard.refused import SwitchRefusedError
from infra.guard.values import value
from infra.guard.wait import NotCarryingError, tell
from infra.observed import read_service, read_slot, routing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.guard.wait import SlotWait
    from infra.observed import ApiServer, ModelSeen, SlotSeen

__all__ = ["Gate"]


class Gate:
    """The hook on one model's routing Service, before it is created or updated, in previews as well.

    `sizes` are the floors that this run has declared. `images` and `contents` are the slots' as the program declares
    them, Outputs where an image is built; set by `declare` once the slots are registered, which is before the engine
    calls any hook. `deadline` gives the seconds for which a place is waited for. `carried` is the target as it was
    when it was let pass, None where it was not asked.
    """

    def __init__(
        self,
        *,
        model: DeclaredModel,
        seen: ModelSeen,
        sizes: Mapping[Place, int],
        connect: Callable[[], ApiServer],
        deadline: Callable[[Place], float],
        report: Callable[[str], None] | None = None,
        dry_run: Callable[[], bool] = pulumi.runtime.is_dry_run,
    ) -> None:
        self._model = model
        self._seen = seen
        self._sizes = sizes
        self._serving: Place | None = seen.routing
        self._connect = connect
        self._deadline = deadline
        self._report = report or tell
        self._dry_run = dry_run
        self._images: Mapping[str, pulumi.Input[str] | None] = {}
        self._contents: Mapping[str, pulumi.Input[str] | None] = {}
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
        if not (_moves(args) or switching(self._model, self._seen)) or self._returns(args):
            return
        model = await self.resolved()
        target = model.target
        if target is None:
            raise SwitchRefusedError(f"{model.name}: slot {model.active} has no version")
        if changed := slot_changes(model, known(self._seen)):
            raise SwitchRefusedError(f"{model.name}: " + "; ".join(changed))
        if self._dry_run():
            await self._preview(model)
            return
        await self._pass(args, model)

    def _returns(self, args: pulumi.ResourceHookArgs) -> bool:
        """Whether traffic that two slots share goes back to the one that has served all along."""
        new = ((args.new_inputs or {}).get("spec") or {}).get("selector") or {}
        return self._seen.routing == self._model.active and SLOT in new and SLOT not in _selector(args.old_inputs, new)

    async def _preview(self, model: DeclaredModel) -> None:
        """Refuse only what this plan leaves as it is and waiting cannot cure."""
        refused = switch_refusals(model, self._seen)
        for place in self._asked(model):
            live, declared = self._seen.at(place), model.slots[place]
            refused += known_wrong(model, place, self._seen) if place != model.active else []
            if not refused and runs_declared(declared, live) and live.settled and live.ready:
                wrong = await self._proof(model, place, size=0).wrong_now()
                name = slot_name(model.name, place)
                refused += [f"{name} already is version {declared.version}, but {wrong}"] if wrong else []
        if refused:
            raise SwitchRefusedError(f"{model.name}: " + "; ".join(refused))

    async def _pass(self, args: pulumi.ResourceHookArgs, model: DeclaredModel) -> None:
        """Wait until the target carries the load and answers; refuse at the deadline, or earlier."""
        place = model.active
        try:
            proof = self._proof(model, place, size=self._sizes[place])
            live = await proof.wait.ask(lambda api: read_service(api, model.namespace, model.name))
            self._serving = routing(live)
            if args.old_inputs is None and self._serving == model.active:
                return  # a Service that Pulumi makes may stand already (adoption): nothing moves
            proof.wait.size = await self._size_now(proof.wait)
            # What is replaced where it stands is asked through the very Service that is made here: when it is made.
            self.carried = await proof.given(smoke=live is not None or model.rollout is None)
            for place in self._asked(model)[1:]:
                await self._proof(model, place, size=self._sizes[place]).given()
        except NotCarryingError as error:
            raise SwitchRefusedError(self._sentence(model.slots[place], place, str(error), error.cure)) from None

    def _asked(self, model: DeclaredModel) -> list[Place]:
        """Give the places that traffic will go to: the target, and a canary that shares its Service."""
        return [model.active, *([model.idle_slot] if split(model, self._seen) else [])]

    def _proof(self, model: DeclaredModel, place: Place, *, size: int) -> Proof:
        return Proof(
            model, place, size=size, connect=self._connect, deadline=self._deadline(place), report=self._report
        )

    async def _size_now(self, wait: SlotWait) -> int:
        """Give the size that the target needs: the declared floor, or more where the load has grown since.

        Minutes may lie between the start of a run and its gate, with an image to build; or the cluster was out of
        reach at the start.
        """
        serving, model = self._serving, self._model
        if serving is None or serving == model.active:
            return self._sizes[model.active]
        seen = await wait.ask(lambda api: read_slot(api, model.namespace, model.name, serving))
        return bounded(model, max(self._sizes[model.active], seen.running))

    def _sentence(self, target: DeclaredSlot, place: Place, missing: str, cure: str = "") -> str:
        model = self._model.name
        stays = f"Service {model} stays on {self._serving}" if self._serving else f"Service {model} is not made"
        refused = f"no switch to {place}" if place == self._model.active else f"no traffic to {place}"
        sentence = f"{model}: {refused} (version {target.version}): {missing}. {stays}"
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
    new = _selector(args.new_inputs, None)
    return bool(_selector(args.old_inputs, None) != new)


def _selector(inputs: Mapping[str, Any] | None, absent: Any) -> Any:
    return ((inputs or {}).get("spec") or {}).get("selector", absent)
