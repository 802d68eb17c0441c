"""What would fit where a switch does not: less in the idle slot, or another strategy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infra.capacity.pods import PodKind
from infra.capacity.verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.capacity.models import ModelPods
    from infra.capacity.nodes import NodeGroup

__all__ = ["alternative"]


def alternative(
    model: ModelPods, models: Sequence[ModelPods], sizes: Mapping[str, int], groups: Sequence[NodeGroup]
) -> str | None:
    """Name what one model could be set to so that its changes fit beside all others at rest; None where nothing would.

    A canary is none of them: its last step is a switch, for which both slots are as large.
    """
    others = sum((other.rest(sizes[other.name]) for other in models if other is not model), Counter[PodKind]())
    for words, pods in _candidates(model, sizes[model.name]):
        if judge(others + pods, groups).verdict is not Verdict.SHORT:
            return words
    return None


def _candidates(model: ModelPods, size: int) -> Iterator[tuple[str, Counter[PodKind]]]:
    """Go through what a model might be instead, from the least change to the largest, with its pods at the most."""
    serving = Counter({model.serving: size})
    canary = model.model.canary
    if model.idle is not None and model.idle_size(size) and not (canary and canary.sends):
        yield "idle: {size: cold}", serving + Counter({model.idle: size})
    if model.slotted:
        yield "strategy: rolling", serving + Counter({model.serving: 1})
    if size > 1:
        gentle = "rollout: {maxSurge: 0, maxUnavailable: 1}"
        yield gentle if model.model.strategy == "rolling" else f"strategy: rolling with {gentle}", serving
    yield "strategy: recreate", serving
