"""What teams were promised, against what there is, and against what their models may come to ask for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.capacity.amounts import amount, shown, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.capacity.models import ModelPods
    from infra.capacity.nodes import NodeGroup
    from infra.settings import Team

__all__ = ["Promise", "promises", "shortfalls"]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """All teams' quotas of one resource together, and what the pools have of it at their maxima."""

    resource: str
    promised: int
    there: int

    @property
    def ratio(self) -> float:
        """How many times over it is promised; infinite where there is none of it."""
        return self.promised / self.there if self.there else float("inf")

    @property
    def words(self) -> str:
        """As a sentence has it."""
        promised, there = shown(self.resource, self.promised), shown(self.resource, self.there)
        return f"{self.resource} {promised} of {there} ({self.ratio:.2f})"


def promises(teams: Mapping[str, Team], groups: Sequence[NodeGroup]) -> list[Promise]:
    """Return what is promised of each resource that a node has, but of room for pods."""
    there = total((group.free, group.count) for group in groups)
    promised: Counter[str] = Counter()
    for team in teams.values():
        for resource, number in _hard(team.quota).items():
            promised[resource] += number
    return [
        Promise(resource=resource, promised=number, there=there.get(resource, 0))
        for resource, number in sorted(promised.items())
        if resource != "pods" and number
    ]


def shortfalls(
    models: Iterable[ModelPods], sizes: Mapping[str, int], teams: Mapping[str, Team]
) -> dict[str, dict[str, str]]:
    """Say, by team, what its quotas lack for its models at these sizes and the largest change of one of them."""
    owned: dict[str, list[ModelPods]] = {}
    for model in models:
        owned.setdefault(model.model.team, []).append(model)
    found: dict[str, dict[str, str]] = {}
    for name, own in owned.items():
        team = teams[name]
        lacking = _lacking(team.quota, own, sizes)
        for scope, hard in team.priority_quotas.items():
            counted = [model for model in own if model.model.priority_class == scope]
            of_class = _lacking(hard, counted, sizes)
            lacking |= {f"{resource} of class {scope}": short for resource, short in of_class.items()}
        if lacking:
            found[name] = lacking
    return found


def _lacking(quota: Mapping[str, str], models: Sequence[ModelPods], sizes: Mapping[str, int]) -> dict[str, str]:
    """Say what one quota lacks for the models that it counts."""
    steady, largest = Counter[str](), Counter[str]()
    for model in models:
        size = sizes[model.name]
        steady.update(total((kind.amounts, count) for kind, count in model.rest(size).items()))
        for change in model.changes(size):
            largest |= Counter(total((kind.amounts, count) for kind, count in change.pods.items()))
    needed = steady + largest
    return {
        resource: f"{shown(resource, short)} short of {shown(resource, needed[resource])}"
        for resource, hard in _hard(quota).items()
        if (short := needed.get(resource, 0) - hard) > 0
    }


def _hard(quota: Mapping[str, str]) -> dict[str, int]:
    """Return a quota's bounds on what pods ask for; where two keys bound one resource, the smaller."""
    found: dict[str, int] = {}
    for key, quantity in quota.items():
        if key.startswith("limits.") or (
            (resource := key.removeprefix("requests."))
            not in (
                "cpu",
                "memory",
                "pods",
            )
            and "/" not in resource
        ):
            continue
        if key.startswith("count/") or "storageclass" in key:
            continue
        number = amount(resource, quantity)
        found[resource] = min(number, found.get(resource, number))
    return found
