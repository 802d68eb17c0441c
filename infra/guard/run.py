"""One run's guard: what is live and what time it is, read once, and every decision made from that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from infra.guard import plan, words
from infra.guard.after import Aftermath
from infra.guard.canary import split
from infra.guard.canary_gate import CanaryGate
from infra.guard.floors import floors, moving
from infra.guard.gate import Gate
from infra.guard.keep import keeping
from infra.guard.ledger import Ledger, ledger, written
from infra.guard.lost import lost_words
from infra.guard.refused import SwitchRefusedError
from infra.guard.wait import tell
from infra.observed import (
    ApiError,
    Observed,
    UnreachableError,
    can_mirror,
    observe,
    read_lost,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from components.autoscaler import Floor
    from components.labels import Place
    from components.shares import Shares
    from infra.guard.declared import DeclaredModel
    from infra.observed import ApiServer
    from infra.reach import Reach
    from infra.settings.guard import Guard as GuardSettings

__all__ = ["Guard", "Hook"]

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


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
        cluster: Reach,
        settings: GuardSettings,
        models: Mapping[str, str],
        routed: Collection[str] = (),
        mirror: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Guard:
        """Connect to the stack's cluster and read the state of `models` (name to namespace).

        `routed` names those whose HTTPRoute counts; `mirror` is the gateway (arguments of `can_mirror`) that is to send
        copies of requests, None where none is. `kept` is what is declared of namespaces and volumes (arguments of
        `read_lost`): what is live beside it is told in the plan.

        Neither a missing kubeconfig nor an unreachable cluster is an error yet: a preview says so and goes on, an
        `up` fails at its first object.
        """
        observed = Observed()
        # Nothing lives on a cluster that is yet to be made: what is declared is all first of its kind.
        if cluster.made:
            observed = _seen(cluster.connect, models, routed, mirror)
            observed = _with_lost(cluster.connect, observed, kept, whole=bool(models))
        now = datetime.now(UTC) if now is None else now
        return cls(connect=cluster.connect, observed=observed, settings=settings, now=now)

    def floors(self, model: DeclaredModel, images: Mapping[str, pulumi.Input[str]] | None = None) -> dict[Place, Floor]:
        """Decide how small each slot's autoscaler may make it, and what ledger it carries.

        `images` is by version: an image that is built is known to the ledger only when the engine has run.
        """
        seen = self._observed.model(model.name)
        served = written(model, seen, self._now)
        return {
            slot: replace(floor, served=_text(served[slot], images or {}))
            for slot, floor in floors(model, seen, self._now).items()
        }

    def shares(self, model: DeclaredModel) -> Shares | None:
        """Give the numbers of pods by which two slots share the traffic; None where a gateway or nobody does."""
        return split(model, self._observed.model(model.name))

    def ledger(self, model: DeclaredModel) -> Ledger:
        """Give the ledger of what has served, as this run leaves it."""
        return ledger(model, self._observed.model(model.name), self._now)

    def healthy(self, model: DeclaredModel) -> dict[str, str | None]:
        """Give since when each slot has had enough ready pods, as far as this run has seen yet."""
        return {slot: seen.available for slot, seen in self._observed.model(model.name).slots.items()}

    def report(self, models: Iterable[DeclaredModel], teams: Collection[str] = ()) -> list[str]:
        """Say in words what an `up` will do about switches, what it will wait for, and what is switched off.

        And what would be lost with what is declared no longer; `teams` are those that are declared.
        """
        lines: list[str] = []
        declared = list(models)
        if declared and not self._settings.smoke:
            lines.append("guard.smoke is false: a switch does not ask its target for an answer")
        if self._observed.unreachable is not None:
            lines.append(f"the cluster cannot be read, so nothing live is known: {self._observed.unreachable}")
        lines += [lost_words(lost, teams) for lost in self._observed.lost]
        if self._observed.lost_unknown is not None:
            lines.append(
                f"whether anything is live that is declared no longer is not known: {self._observed.lost_unknown}"
            )
        for model in declared:
            seen = self._observed.model(model.name)
            lines += words.words(model, seen, self._now) if self._observed.unreachable is None else []
            lines += [f"will be waited for: {what}" for what in words.waits(model, seen, self._now)]
        return lines

    def sizes(self, models: Iterable[DeclaredModel]) -> dict[str, int] | None:
        """Give how many pods of each model serve now; None where the cluster cannot be read."""
        if self._observed.unreachable is not None:
            return None
        seen = {model.name: self._observed.model(model.name) for model in models}
        return {name: one.at(one.routing).current for name, one in seen.items() if one.routing is not None}

    def switching(self, models: Iterable[DeclaredModel]) -> list[str]:
        """Name the models whose slots this run switches."""
        return [
            model.name
            for model in models
            if model.rollout is None and moving(model, seen := self._observed.model(model.name)) and seen.routing
        ]

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
        seen = self._observed.model(model.name)
        self._gates[model.name] = Gate(
            model=model,
            seen=seen,
            sizes={place: floor.min_replicas for place, floor in floors(model, seen, self._now).items()},
            connect=self._connect,
            deadline=partial(self._deadline, model),
        )
        return self._gates[model.name]

    def canary_gate(self, model: DeclaredModel) -> Hook | None:
        """Make the hook on a model's HTTPRoute, after `gate`; None for one without a canary."""
        if model.canary is None:
            return None
        seen = self._observed.model(model.name)
        return CanaryGate(
            resolve=self._gates[model.name].resolved,
            seen=seen,
            size=floors(model, seen, self._now)[model.idle_slot].min_replicas,
            connect=self._connect,
            deadline=partial(self._deadline, model),
        )

    def keep(self, model: DeclaredModel, slot: Place) -> Hook | None:
        """Make the hook for a slot's Deployment before its update; None where none is needed. See `keeping`."""
        return keeping(model, slot, self._observed.model(model.name))

    async def verify(self, model: DeclaredModel, *, routed: bool = False) -> Mapping[str, str | None]:
        """Check what is live when an `up` has registered the Service, and give since when each slot is available.

        `routed` says that an HTTPRoute stands as well. See Aftermath. Raises SwitchRefusedError, naming what to run.
        """
        gate = self._gates.get(model.name)
        known = model if gate is None else await gate.resolved()
        seen = self._observed.model(model.name)
        after = Aftermath(
            model=known,
            seen=seen,
            floors=floors(known, seen, self._now),
            connect=self._connect,
            deadline=partial(self._deadline, known),
            report=tell,
        )
        await after.routing()
        if routed:
            await after.route()
        looked = await after.slots()
        if gate is not None and gate.carried is not None:
            looked.setdefault(known.active, gate.carried)
        return {**self.healthy(known), **{slot: one.available for slot, one in looked.items()}}

    def _deadline(self, model: DeclaredModel, slot: Place) -> float:
        """Give the seconds that a slot is waited for: as set, else the default and what a pod may take to start.

        The sum is the Deployment's progressDeadlineSeconds. A stack that sets a number means that number.
        """
        if model.rollout is not None and model.rollout.deadline is not None:
            return float(model.rollout.deadline)
        declared = model.slots.get(slot)
        starting = 0 if declared is None or "deadline" in self._settings.model_fields_set else declared.start_within
        return float(self._settings.deadline + starting)


def _text(served: str | Ledger | None, images: Mapping[str, pulumi.Input[str]]) -> pulumi.Input[str] | None:
    """Write a ledger down; an Output while the image of what is to serve is being built."""
    if not isinstance(served, Ledger):
        return served
    pending = served.pending()
    if pending is None or pending not in images:
        return served.text()
    return pulumi.Output.from_input(images[pending]).apply(lambda image: served.built(image).text())


def _seen(
    connect: Callable[[], ApiServer],
    models: Mapping[str, str],
    routed: Collection[str],
    mirror: Mapping[str, Any] | None,
) -> Observed:
    if not models:
        return Observed()
    try:
        observed = observe(connect(), models, routed=routed)
        if mirror is not None and observed.unreachable is None:
            observed = replace(observed, mirrors=can_mirror(connect(), **mirror))
    except UnreachableError as error:
        return Observed(unreachable=str(error))
    return observed


def _with_lost(
    connect: Callable[[], ApiServer], observed: Observed, kept: Mapping[str, Any] | None, *, whole: bool
) -> Observed:
    """Add what is live and declared no longer; `whole` where models were read before."""
    if kept is None or observed.unreachable is not None:
        return observed
    try:
        return replace(observed, lost=read_lost(connect(), **kept))
    except (ApiError, UnreachableError) as error:
        # Without a model nothing else was read, and an `up` will say for itself that there is no cluster.
        return replace(observed, lost_unknown=str(error) if whole else None)
