"""What a platform needs at its smallest, while something changes, and at its largest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.capacity.amounts import total
from infra.capacity.verdict import Judged, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from infra.capacity.models import Change, ModelPods
    from infra.capacity.nodes import NodeGroup
    from infra.capacity.pods import PodKind

__all__ = ["Stage", "changing", "resting"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """All pods of a platform at one moment."""

    name: str
    words: str
    """What is going on: `churn switches`; empty at rest."""
    model: str | None = None
    """The model that changes; None at rest."""
    pods: Mapping[PodKind, int]
    judged: Judged

    binding: bool = True
    """Whether a stack is refused where it does not fit."""

    @property
    def verdict(self) -> Verdict:
        """Whether it fits."""
        return self.judged.verdict


def resting(
    name: str, models: Iterable[ModelPods], sizes: Mapping[str, int], groups: Sequence[NodeGroup], *, binding: bool
) -> Stage:
    """Judge all models at rest, at these sizes."""
    pods = _all(models, sizes)
    return Stage(name=name, words="", pods=pods, judged=judge(pods, groups), binding=binding)


def changing(
    name: str,
    models: Sequence[ModelPods],
    sizes: Mapping[str, int],
    groups: Sequence[NodeGroup],
    *,
    binding: bool,
    only: Collection[str] | None = None,
) -> tuple[Stage, dict[str, Verdict]]:
    """Judge the largest change of one model while all others rest; and say which models' changes fit how well.

    `only` names the models that may change, all by default.
    """
    rest = _all(models, sizes)
    changes = {
        model.name: list(model.changes(sizes[model.name])) for model in models if only is None or model.name in only
    }
    every = [change for found in changes.values() for change in found]
    judged = {id(change): verdict for change, verdict in _judged(every, rest, groups)}
    verdicts = {
        model: max((judged[id(change)] for change in found), default=Verdict.FITS) for model, found in changes.items()
    }
    worst = max((*(judged[id(change)] for change in every), Verdict.FITS))
    stages = [
        Stage(name=name, words=change.words, model=change.model, pods=pods, judged=judge(pods, groups), binding=binding)
        for change in _largest([change for change in every if judged[id(change)] is worst])
        for pods in [rest + Counter(change.pods)]
    ]
    if not stages:
        return resting(name, models, sizes, groups, binding=binding), verdicts
    return max(stages, key=lambda stage: (stage.verdict, sum(stage.judged.nodes.values()))), verdicts


def _judged(
    changes: Sequence[Change], rest: Counter[PodKind], groups: Sequence[NodeGroup]
) -> Iterator[tuple[Change, Verdict]]:
    """Judge each change beside all that rests; several at once where that is enough.

    Fewer pods block fewer nodes: what holds in any order for several changes together holds for each alone.
    """
    together = sum((Counter(change.pods) for change in changes), rest)
    verdict = judge(together, groups).verdict if changes else Verdict.FITS
    if verdict is Verdict.FITS or len(changes) == 1:
        yield from ((change, verdict) for change in changes)
        return
    half = len(changes) // 2
    yield from _judged(changes[:half], rest, groups)
    yield from _judged(changes[half:], rest, groups)


def _all(models: Iterable[ModelPods], sizes: Mapping[str, int]) -> Counter[PodKind]:
    return sum((model.rest(sizes[model.name]) for model in models), Counter())


def _largest(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that add the most of some resource: no other can need more nodes of any kind."""
    amounts = [total((kind.amounts, count) for kind, count in change.pods.items()) for change in changes]
    resources = sorted({resource for found in amounts for resource in found})
    largest = {
        max(range(len(changes)), key=lambda index: amounts[index].get(resource, 0)): None for resource in resources
    }
    return [changes[index] for index in largest]
