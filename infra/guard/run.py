"""One run's guard: what is live and what time it is, read once, and every decision made from that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import CONTENT, SlotName, slot_selector
from infra.guard import plan
from infra.guard.floors import floors, switching
from infra.guard.gate import Gate, SwitchRefusedError, value
from infra.guard.wait import NotCarryingError, SlotWait, tell
from infra.observed import (
    ApiError,
    ApiServer,
    KubeconfigError,
    Observed,
    UnreachableError,
    load_access,
    observe,
    read_selector,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.model_slot import Floor
    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import SlotSeen
    from infra.settings.cluster import Cluster
    from infra.settings.guard import Guard as GuardSettings

__all__ = ["Guard", "Hook"]

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]

# An API server that restarts is back in seconds; longer than this, the comparison is left to the next `up`.
_VERIFY_TRIES = 5


class Guard:
    """The guard of a stack's switches. Make one a run, with `Guard.open`."""

    def __init__(
        self, *, connect: Callable[[], ApiServer], observed: Observed, settings: GuardSettings, now: datetime
    ) -> None:
        self._connect = connect
        self._observed = observed
        self._settings = settings
        self._now = now
        self._gates: dict[str, Gate] = {}

    @classmethod
    def open(
        cls,
        *,
        cluster: Cluster,
        settings: GuardSettings,
        models: Mapping[str, str],
        now: datetime | None = None,
    ) -> Guard:
        """Connect as the stack's cluster settings say and read the state of `models` (name to namespace).

        Neither a missing kubeconfig nor an unreachable cluster is an error yet: a preview says so and goes on, an
        `up` fails at its first object.
        """
        server: list[ApiServer] = []

        def connect() -> ApiServer:
            if not server:
                try:
                    server.append(ApiServer(load_access(cluster.kubeconfig, cluster.context)))
                except KubeconfigError as error:
                    raise UnreachableError(str(error)) from None
            return server[0]

        observed = Observed()
        if models:
            try:
                observed = observe(connect(), models)
            except UnreachableError as error:
                observed = Observed(unreachable=str(error))
        return cls(connect=connect, observed=observed, settings=settings, now=datetime.now(UTC) if now is None else now)

    def floors(self, model: DeclaredModel) -> dict[SlotName, Floor]:
        """Decide how small each slot's autoscaler may make it; see `infra.guard.floors`."""
        return floors(model, self._observed.model(model.name), self._now)

    def report(self, models: Iterable[DeclaredModel]) -> list[str]:
        """Say in words what an `up` will do about switches, what it will wait for, and what is switched off."""
        lines: list[str] = []
        declared = list(models)
        if declared and not self._settings.smoke:
            lines.append("guard.smoke is false: a switch does not ask its target for an answer")
        if self._observed.unreachable is not None:
            lines.append(f"the cluster cannot be read, so nothing live is known: {self._observed.unreachable}")
        for model in declared:
            seen = self._observed.model(model.name)
            lines += plan.words(model, seen, self._now) if self._observed.unreachable is None else []
            lines += [f"will be waited for: {what}" for what in plan.waits(model, seen, self._now)]
        return lines

    def refuse(self, models: Iterable[DeclaredModel], *, dry_run: bool | None = None) -> None:
        """Raise SwitchRefusedError, naming every model whose plan cannot succeed whatever one waits for.

        An `up` (`dry_run` False; by default what the engine runs) also needs a cluster that can be read: without,
        it would let go of every hold in force and size a switch by nothing. A preview only says so.
        """
        declared = list(models)
        dry_run = pulumi.runtime.is_dry_run() if dry_run is None else dry_run
        if declared and not dry_run and self._observed.unreachable is not None:
            raise SwitchRefusedError(
                f"the cluster cannot be read, so nothing was touched: {self._observed.unreachable}"
            )
        refused = plan.refusals(declared, self._observed, self._now)
        if refused:
            raise SwitchRefusedError("\n".join(map(str, refused)))

    def gate(self, model: DeclaredModel) -> Gate:
        """Make the hook on a model's routing Service; give it images and contents by `Gate.declare`."""
        self._gates[model.name] = Gate(
            model=model,
            seen=self._observed.model(model.name),
            size=self.floors(model)[model.active].min_replicas,
            connect=self._connect,
            deadline=self._deadline(model, model.active),
        )
        return self._gates[model.name]

    def still(self, model: DeclaredModel, slot: SlotName) -> Hook | None:
        """Make the hook for a slot's Deployment before its update, previews included; None where none is needed.

        It keeps the slot that serves as it is while traffic is switched away from it. A hook, since the content of
        a slot whose image is built is known only here: too late for `refuse`, too early for the gate.
        """
        seen = self._observed.model(model.name)
        if not switching(model, seen) or seen.routing != slot:
            return None

        async def still(args: pulumi.ResourceHookArgs) -> None:
            old, new = [await _content(inputs) for inputs in (args.old_inputs, args.new_inputs)]
            # Unknown counts as changed: an image is known in a preview unless it will be built.
            if new is None or old != new:
                raise SwitchRefusedError(f"{model.name}: {plan.together(slot, model.active)}")

        return still

    async def verify(self, model: DeclaredModel) -> None:
        """Compare what is live with what is declared; await it when an `up` has registered the Service.

        Routing first: import, adoption and drift run no update hook, so that what another hand changed looks
        unchanged to the engine. Then the slots that this run has changed or a former one has left unfinished,
        since the gate asks only the one that traffic moves to: both roll out side by side, and a version that
        cannot run fails the `up` in seconds, each time. Raises SwitchRefusedError, naming what to run.
        """
        await self._verify_routing(model)
        gate = self._gates.get(model.name)
        known = model if gate is None else await gate.resolved()
        seen = self._observed.model(model.name)
        unfinished = [slot for slot in known.slots if _unfinished(known.slots[slot], seen.slots[slot])]
        await asyncio.gather(*(self._verify_rollout(known, slot) for slot in unfinished))

    def _deadline(self, model: DeclaredModel, slot: SlotName) -> float:
        """Give the seconds that a slot is waited for: as set, else the default and what a pod may take to start.

        The sum is the Deployment's progressDeadlineSeconds. A stack that sets a number means that number.
        """
        declared = model.slots.get(slot)
        starting = 0 if declared is None or "deadline" in self._settings.model_fields_set else declared.start_within
        return float(self._settings.deadline + starting)

    async def _verify_routing(self, model: DeclaredModel) -> None:
        declared = dict(slot_selector(model.name, model.active))
        trouble = ""
        for attempt in range(_VERIFY_TRIES):
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

    async def _verify_rollout(self, model: DeclaredModel, slot: SlotName) -> None:
        wait = SlotWait(
            connect=self._connect,
            namespace=model.namespace,
            model=model.name,
            slot=slot,
            size=self.floors(model)[slot].min_replicas,
            image=model.slots[slot].image,
            deadline=self._deadline(model, slot),
            report=tell,
        )
        try:
            await wait.until_carrying()
        except NotCarryingError as error:
            version = model.slots[slot].version
            raise SwitchRefusedError(
                f"{model.name}: version {version} does not come up in slot {slot}: {error}: {error.cure}."
            ) from None


def _unfinished(declared: DeclaredSlot, seen: SlotSeen) -> bool:
    """Whether a slot, as it was seen before this run, has something left to roll out.

    One scaled to zero has not: a switch will wake it. A pod that is away for a moment is no rollout either.
    """
    if seen.exists and seen.desired == 0:
        return False
    changed = declared.content is not None and declared.content != seen.content
    return changed or (seen.exists and (not seen.settled or seen.ready == 0))


async def _content(inputs: Mapping[str, Any] | None) -> Any:
    # A secret deep inside makes an Output of the whole metadata.
    metadata = await value((inputs or {}).get("metadata"))
    return await value(((metadata or {}).get("annotations") or {}).get(CONTENT))


def _selector(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or "nothing"
