"""What one model asks of its team's quota at its smallest: as it stands, and while it changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from infra.settings.resources import Resources
from infra.settings.rules.raw import as_amount, as_text, as_whole, below, mapping
from infra.settings.strategy import SLOTS

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["Demand", "demands"]

Amounts = Mapping[str, Decimal]
"""What one pod asks for: cpu (cores), memory (bytes), cpuLimit (cores), gpu, pods (1)."""

_DEFAULTS = Resources()


@dataclass(frozen=True, kw_only=True)
class _Pods:
    """So many pods of one kind."""

    number: int
    each: Amounts

    def of(self, resource: str) -> Decimal:
        return self.number * self.each[resource]


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One model's pods."""

    model: str
    priority_class: str | None
    strategy: str
    least: int
    active: _Pods
    idle: _Pods | None
    switch: _Pods | None
    """What a switch adds: the idle slot grows to the active one's size first."""
    surge: _Pods | None
    """What a new version adds: one pod of it, before one of the former is taken away. More than one is quicker, and
    not needed."""
    cold: _Pods | None
    """What a switch adds where the idle slot keeps nothing; None where it cannot, or already does."""
    words: str

    def steady(self, resource: str) -> Decimal:
        """Return what the model asks for as it stands."""
        return self.serving(resource) + (Decimal(0) if self.idle is None else self.idle.of(resource))

    def serving(self, resource: str) -> Decimal:
        """Return what the pods that serve ask for."""
        return self.active.of(resource)

    def one(self, resource: str) -> Decimal:
        """Return what one pod that serves asks for."""
        return self.active.each[resource]

    def change(self, resource: str) -> Decimal:
        """Return what the largest change adds."""
        return max((pods.of(resource) for pods in (self.switch, self.surge) if pods is not None), default=Decimal(0))

    def change_words(self, resource: str) -> str:
        """Say which change that is."""
        if self.switch is not None and self.switch.of(resource) == self.change(resource):
            return f"while {self.model} switches"
        return f"while a new version of {self.model} starts"


def demands(model: RawModel) -> Demand | None:
    """Return what a model asks for; None where its size or its versions cannot be read."""
    least = model.least
    if least is None or model.strategy is None:
        return None
    return _of_slots(model, least) if model.strategy == "blue-green" else _of_one(model, model.strategy, least)


def _of_slots(model: RawModel, least: int) -> Demand | None:
    active = model.active
    if active is None or active not in model.filled:
        return None
    [other] = [slot for slot in SLOTS if slot != active]
    serving = _each(model, model.filled[active])
    words = f"{_count(least)} in {active}"
    idle = switch = cold = None
    largest = serving
    if other in model.filled:
        each = _each(model, model.filled[other])
        size = _idle_size(model, least)
        idle = _Pods(number=size, each=each)
        switch = _Pods(number=max(0, least - size), each=each)
        cold = _Pods(number=least, each=each) if size and not model.canary_sends else None
        words = f"{words}, {size} in {other}"
        largest = {key: max(serving[key], each[key]) for key in serving}
    return Demand(
        model=model.name,
        priority_class=model.priority_class,
        strategy="blue-green",
        least=least,
        active=_Pods(number=least, each=serving),
        idle=idle,
        switch=switch,
        surge=_Pods(number=1, each=largest),
        cold=cold,
        words=words,
    )


def _idle_size(model: RawModel, least: int) -> int:
    """Return how many pods the idle slot keeps, and at least what a canary's share needs."""
    given = below(model.values, "idle", "size")
    number = as_whole(given)
    size = 0 if given == "cold" else least if number is None or number < 1 else number
    if not model.canary_sends:
        return size
    percent = as_whole(below(model.values, "canary", "percent")) or 0
    return max(size, 1, math.ceil(least * min(percent, 100) / 100))


def _of_one(model: RawModel, strategy: str, least: int) -> Demand | None:
    version = as_text(model.values.get("version"))
    if version is None:
        return None
    rollout = mapping(model.values, "rollout")
    room = strategy == "rolling" and not _part(rollout.get("maxUnavailable", 0), least)
    # Kubernetes takes one away where both numbers come out as none.
    surge = room and bool(_part(rollout.get("maxSurge", "25%"), least, up=True))
    each = _each(model, version)
    return Demand(
        model=model.name,
        priority_class=model.priority_class,
        strategy=strategy,
        least=least,
        active=_Pods(number=least, each=each),
        idle=None,
        switch=None,
        surge=_Pods(number=1, each=each) if surge else None,
        cold=None,
        words=_count(least),
    )


def _part(share: object, of: int, *, up: bool = False) -> int:
    """Return how many pods a number or a percentage of them are, as Kubernetes rounds it."""
    if (number := as_whole(share)) is not None:
        return number
    if isinstance(share, str) and share.endswith("%") and share[:-1].isdecimal():
        exact = Decimal(share[:-1]) * of / 100
        return math.ceil(exact) if up else math.floor(exact)
    return 0


def _count(number: int) -> str:
    return f"{number} pod{'s' if number > 1 else ''}"


def _each(model: RawModel, version: str) -> Amounts:
    def amount(key: str, default: object) -> Decimal:
        said = model.setting(version, "resources", key)
        return as_amount(default if said is None else said) or Decimal(0)

    return {
        "cpu": amount("cpu", _DEFAULTS.cpu),
        "memory": amount("memory", _DEFAULTS.memory),
        "cpuLimit": amount("cpuLimit", 0),
        "gpu": amount("gpu", _DEFAULTS.gpu),
        "pods": Decimal(1),
    }
