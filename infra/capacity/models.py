"""The pods that each model has: at rest, and what a switch or a new version adds for a while."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.slot_pods import pod_template
from infra.capacity.pods import PodKind, pod_kind
from infra.contents import slot_content
from infra.settings.strategy import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings import Model, Settings

__all__ = ["Change", "ModelPods", "model_pods"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Pods that are there for a while, beside those at rest."""

    model: str
    words: str
    pods: Mapping[PodKind, int]


@dataclass(frozen=True)
class ModelPods:
    """One model's pods, read from the very templates that would be declared."""

    name: str
    model: Model
    versions: Mapping[str, str]
    """By place: `blue`, `green`, or the model's own name where it has no slots."""
    kinds: Mapping[str, PodKind]
    """By place."""

    @property
    def slotted(self) -> bool:
        """Whether there are two slots and a switch between them."""
        return self.model.strategy == "blue-green"

    @property
    def serving(self) -> PodKind:
        """The pods that serve."""
        return self.kinds[self.model.active if self.slotted else self.name]

    @property
    def idle(self) -> PodKind | None:
        """The pods of the slot that does not; None where it is empty."""
        return self.kinds.get(self.model.idle_slot) if self.slotted else None

    def size(self, live: int | None = None) -> int:
        """Return how many pods serve: as many as run now, within `scale`; without that knowledge `scale.min`."""
        scale = self.model.scale
        return scale.min if live is None else max(scale.min, min(live, scale.max))

    def rest(self, size: int) -> Counter[PodKind]:
        """Return the pods there are when nothing changes and so many serve."""
        pods = Counter({self.serving: size})
        if self.idle is not None:
            pods[self.idle] += self.idle_size(size)
        return pods

    def idle_size(self, size: int) -> int:
        """Return how many pods the idle slot keeps, and at least what a canary's share needs."""
        wanted = self.model.idle.size
        kept = 0 if wanted == "cold" else self.model.scale.min if wanted == "warm" else int(wanted)
        canary = self.model.canary
        if canary is None or not canary.sends:
            return kept
        return max(kept, 1, math.ceil(size * canary.percent / 100))

    def changes(self, size: int) -> Iterator[Change]:
        """Go through all that may be added for a while: one of them at a time."""
        if self.idle is not None and (more := size - self.idle_size(size)) > 0:
            yield self._change("switches", {self.idle: more})
        for kind in self._surging(size):
            # More than one new pod is quicker, and not needed.
            yield self._change("starts a new version", {kind: 1})

    def _surging(self, size: int) -> list[PodKind]:
        if self.slotted:
            return list(dict.fromkeys(self.kinds.values()))
        rollout = self.model.rollout
        beside = self.model.strategy == "rolling" and not _part(rollout.max_unavailable, size)
        return [self.serving] if beside and _part(rollout.max_surge, size, up=True) else []

    def _change(self, words: str, pods: Mapping[PodKind, int]) -> Change:
        return Change(model=self.name, words=f"{self.name} {words}", pods=pods)


def model_pods(settings: Settings) -> list[ModelPods]:
    """Read every model of a stack."""
    return [_read(settings, name, model) for name, model in settings.models.items()]


def _read(settings: Settings, name: str, model: Model) -> ModelPods:
    if model.strategy == "blue-green":
        versions = {str(slot): version for slot in SLOTS if (version := model.slots.version(slot)) is not None}
    else:
        versions = {name: model.serving}
    # Where pods find room depends neither on the image nor on what is secret.
    images, secrets = dict.fromkeys(model.versions, ""), dict.fromkeys(settings.secrets, "")
    kinds = {
        place: pod_kind(
            pod_template(
                slot_content(model, version, images=images, secrets=secrets, environment=settings.environment),
                labels={},
                selector={},
                service_account=name,
            )
        )
        for place, version in versions.items()
    }
    return ModelPods(name, model, versions, kinds)


def _part(share: str | int, of: int, *, up: bool = False) -> int:
    """Return how many pods a number or a percentage of them are, as Kubernetes rounds it."""
    if isinstance(share, int):
        return share
    exact = int(share.removesuffix("%")) * of / 100
    return math.ceil(exact) if up else math.floor(exact)
