"""The capacity proof of a stack: whether what it declares finds room on the pools that it declares.

Pure: settings and, where the cluster could be read, how many pods serve now; no cluster, no engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from infra.capacity.alternatives import alternative
from infra.capacity.homeless import Homeless, homeless
from infra.capacity.lacks import fits
from infra.capacity.models import ModelPods, model_pods
from infra.capacity.nodes import NodeGroup, node_groups
from infra.capacity.quotas import Promise, promises, shortfalls
from infra.capacity.stages import Stage, changing, resting
from infra.capacity.verdict import Verdict, judge
from infra.settings import Mistake

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from infra.settings import NodePool, Settings

__all__ = ["Growth", "Proof", "prove"]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What a switch, or a new version, asks of one model's surroundings."""

    model: str
    verdict: Verdict
    """At `scale.min`."""
    verdict_at_most: Verdict
    """At `scale.max`."""
    seconds: int
    """How long its last pod may take: a node, the image, the start."""
    waits: int
    """How long an `up` waits for it."""
    instead: str | None
    """What would fit where this does not."""

    @property
    def patient(self) -> bool:
        """Whether an `up` waits long enough."""
        return self.waits >= self.seconds


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Everything that can be said of a stack's room; each part is worked out when it is asked for."""

    settings: Settings
    groups: Sequence[NodeGroup]
    models: Sequence[ModelPods]
    live: Mapping[str, int] | None = None
    switching: Collection[str] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether what must fit does: everything at rest, and one switch at a time."""
        if self.homeless:
            return Verdict.SHORT
        return max(stage.verdict for stage in self.stages if stage.binding)

    @property
    def mistakes(self) -> list[Mistake]:
        """Why the stack is refused; empty where it is not."""
        return [*_overcommitted(self), *([one.mistake for one in self.homeless] or _short(self))]

    @cached_property
    def homeless(self) -> Sequence[Homeless]:
        """The versions whose pods fit no node."""
        return list(homeless(self.models, self.groups))

    @cached_property
    def stages(self) -> Sequence[Stage]:
        """What is there at rest, at a switch, and at one now where that is known."""
        least, models, groups = self._least, self.models, self.groups
        found = [resting("minimum", models, least, groups, binding=True), self._switch[0]]
        if self.live:  # something serves already
            # A run that switches nothing is not refused for a switch that it might have been.
            sizes = {model.name: model.size(self.live.get(model.name)) for model in models}
            only, binding = self.switching or None, bool(self.switching)
            found.append(changing("switch now", models, sizes, groups, binding=binding, only=only)[0])
        return found

    @cached_property
    def prospects(self) -> Sequence[Stage]:
        """What is there at the maximum, and at a switch then: nothing is refused for it."""
        at_most = resting("maximum", self.models, self._most, self.groups, binding=False)
        return [at_most, self._switch_at_most[0]]

    @cached_property
    def growth(self) -> Sequence[Growth]:
        """What each model's switch, or new version, asks for."""
        instead = partial(alternative, models=self.models, sizes=self._least, groups=self.groups)
        verdicts, at_most = self._switch[1], self._switch_at_most[1]
        return [
            Growth(
                model=model.name,
                verdict=verdicts[model.name],
                verdict_at_most=at_most[model.name],
                seconds=_seconds(self.settings, model, self.groups),
                waits=self.settings.guard.deadline,
                instead=None if verdicts[model.name] is Verdict.FITS else instead(model),
            )
            for model in self.models
        ]

    @property
    def promises(self) -> Sequence[Promise]:
        """What all quotas promise together."""
        return promises(self.settings.teams, self.groups)

    @property
    def shortfalls(self) -> Mapping[str, Mapping[str, str]]:
        """By team, what its quota lacks for its models at their maximum, and a switch then."""
        return shortfalls(self.models, self._most, self.settings.teams)

    @cached_property
    def _switch(self) -> tuple[Stage, dict[str, Verdict]]:
        return changing("switch", self.models, self._least, self.groups, binding=True)

    @cached_property
    def _switch_at_most(self) -> tuple[Stage, dict[str, Verdict]]:
        return changing("switch at maximum", self.models, self._most, self.groups, binding=False)

    @property
    def _least(self) -> dict[str, int]:
        return {model.name: model.model.scale.min for model in self.models}

    @property
    def _most(self) -> dict[str, int]:
        return {model.name: model.model.scale.max for model in self.models}


def prove(settings: Settings, live: Mapping[str, int] | None = None, switching: Collection[str] = ()) -> Proof | None:
    """Prove that a stack has room; None where it declares no pools.

    `live` is how many pods of each model serve now, where the cluster could be read: a switch is to match it, and those
    of the models in `switching` are under way, so that they must find room at that size.
    """
    pools = settings.cluster.node_pools
    if not pools:
        return None
    return Proof(
        settings=settings, groups=node_groups(pools), models=model_pods(settings), live=live, switching=switching
    )


def _seconds(settings: Settings, model: ModelPods, groups: Sequence[NodeGroup]) -> int:
    """Return how long a further pod may take until it is ready: a node, the image, the start."""
    pools = settings.cluster.node_pools
    starts = max(model.model.content_of(version).probes.start.within for version in model.versions.values())
    growing = {
        group.pool
        for group in groups
        if pools[group.pool].min < pools[group.pool].max and any(fits(kind, group) for kind in model.kinds.values())
    }
    node = max((pools[pool].provisioning for pool in growing), default=0)
    return node + settings.capacity.image_pull + starts


def _overcommitted(proof: Proof) -> Iterator[Mistake]:
    limit = proof.settings.capacity.overcommit
    over = [promise for promise in proof.promises if promise.ratio > limit]
    if over:
        words = ", ".join(promise.words for promise in over)
        yield Mistake(
            path=("capacity", "overcommit"),
            message=f"all quotas together promise more than {limit:g} times what the pools have at their maxima:"
            f" {words}; lower quotas, raise max of a pool, or raise this",
        )


def _short(proof: Proof) -> Iterator[Mistake]:
    """Say which pool is too small for what must fit, and how many nodes would do."""
    stage = next((stage for stage in proof.stages if stage.binding and stage.verdict is Verdict.SHORT), None)
    if stage is None:
        return
    pools = proof.settings.cluster.node_pools
    blamed = list(
        dict.fromkeys(group.pool for group in proof.groups if any(fits(kind, group) for kind in stage.judged.left))
    )
    enough = {pool: most for pool in blamed if (most := _enough(pools, pool, stage)) is not None}
    pool = min(enough, key=lambda pool: enough[pool] - pools[pool].max, default=blamed[0])
    count = sum(stage.judged.left.values())
    when = f"while {stage.words}" if stage.words else "for all models at rest"
    mend = f"{enough[pool]} would do" if pool in enough else f"{' and '.join(blamed)} must grow together"
    instead = next(
        (
            f"; or {growth.instead} for {growth.model}"
            for growth in proof.growth
            if growth.instead is not None and growth.model == stage.model
        ),
        "",
    )
    yield Mistake(
        path=("cluster", "nodePools", pool, "max"),
        message=f"{pools[pool].max} is too few {when}: {count} pod{'s find' if count > 1 else ' finds'} no room;"
        f" {mend}{instead}",
    )


def _enough(pools: Mapping[str, NodePool], pool: str, stage: Stage) -> int | None:
    """Return the least `max` of one pool with which a stage finds room; None where no size of it would do."""

    def short(most: int) -> bool:
        raised = {**pools, pool: pools[pool].model_copy(update={"max": most})}
        return judge(stage.pods, node_groups(raised)).verdict is Verdict.SHORT

    low, high = pools[pool].max, pools[pool].max + sum(stage.judged.left.values()) * max(1, len(pools[pool].zones))
    if short(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return high
