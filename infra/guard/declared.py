"""What a stack declares of a model, as far as the guard needs it: plain values, whoever wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from components.labels import ONLY, SLOTS, Place, SlotName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from infra.guard.canary import DeclaredCanary
    from infra.guard.catalogue import Entry
    from infra.guard.smoke import Smoke

__all__ = ["DeclaredModel", "DeclaredRollout", "DeclaredSlot", "IdleSize"]

IdleSize = Literal["warm", "cold"] | int
"""What the slot that does not serve keeps: `scale.min`, nothing, or a number of pods."""


@dataclass(frozen=True, kw_only=True)
class DeclaredSlot:
    """One place's version.

    `image` (with its digest) and `content` (the hash in the Deployment's annotation) are None while an
    image is still to be built. `requests` is what one pod counts in a quota, by the quota's own names
    (`requests.cpu: 500m`); `pods` is counted without being named. `smoke` is None where it is off. `start_within`
    is how many seconds a pod may take to start.
    """

    version: str
    image: str | None = None
    content: str | None = None
    requests: Mapping[str, str] = field(default_factory=dict)
    smoke: Smoke | None = None
    start_within: int = 0


@dataclass(frozen=True, kw_only=True)
class DeclaredRollout:
    """How the pods of a model without slots are replaced. `deadline` is in seconds without progress, None by default.

    `surge` and `unavailable` are numbers of pods or percentages, as Kubernetes takes them.
    """

    recreate: bool = False
    surge: int | str = "25%"
    unavailable: int | str = 0
    deadline: int | None = None

    @property
    def beside(self) -> bool:
        """Whether a new pod has to find room beside all former ones before any of them goes."""
        # A share of unavailable pods is rounded down, so below a whole pod it is none; not for us to count on.
        return not self.recreate and (isinstance(self.unavailable, str) or self.unavailable == 0)


@dataclass(frozen=True, kw_only=True)
class DeclaredModel:
    """A model with its switch. An empty slot is absent from `slots`.

    `soak` is how long a switch holds both slots at the switch's size, `idle` what the former keeps after it. `quotas`
    are those declared of its namespace that count its pods, by name; they count in place of the live ones, because the
    same plan may change them.
    `catalogue` has every version, those that stand in no slot as well. A model without slots has a `rollout`, and
    ONLY in place of a slot's name.
    """

    name: str
    namespace: str
    active: Place
    minimum: int
    maximum: int
    soak: timedelta
    slots: Mapping[Place, DeclaredSlot]
    idle: IdleSize = "warm"
    canary: DeclaredCanary | None = None
    rollout: DeclaredRollout | None = None
    catalogue: Mapping[str, Entry] = field(default_factory=dict)
    quotas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    priority_class: str | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """Where versions of this model may stand."""
        return SLOTS if self.rollout is None else (ONLY,)

    @property
    def target(self) -> DeclaredSlot | None:
        """The version that is to serve, or None when the active slot is empty."""
        return self.slots.get(self.active)

    @property
    def idle_slot(self) -> SlotName:
        """The slot that does not serve."""
        return next(slot for slot in SLOTS if slot != self.active)

    @property
    def canary_slot(self) -> DeclaredSlot | None:
        """The version that a canary sends requests to; None where none is sent any."""
        return self.slots.get(self.idle_slot) if self.canary is not None and self.canary.sends else None

    def least(self, place: Place) -> int:
        """Give the size below which a place's autoscaler never goes by itself.

        An autoscaler cannot go to zero: one whose slot sleeps is off, and is to wake it at `scale.min`.
        """
        if place == self.active or isinstance(self.idle, str):
            return self.minimum
        return min(self.idle, self.maximum)

    def sleeps(self, place: Place) -> bool:
        """Whether a slot is put to zero once nothing holds it: one that a canary sends requests to is not idle."""
        return place != self.active and self.idle == "cold" and self.canary_slot is None

    def knowing(self, *, images: Mapping[str, str | None], contents: Mapping[str, str | None]) -> DeclaredModel:
        """Fill in what has become known of the slots since."""
        slots = {
            name: replace(
                slot,
                image=slot.image if images.get(name) is None else images[name],
                content=slot.content if contents.get(name) is None else contents[name],
            )
            for name, slot in self.slots.items()
        }
        return replace(self, slots=slots)
