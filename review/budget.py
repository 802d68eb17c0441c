"""What each namespace asks for, before and after, against its quota. Pure.

Taken from what the plan declares, not from what runs: a pod's requests, times the replicas that its autoscaler may not
go below (at rest) and may not exceed (at most). Init containers run before the others, so the larger counts.
Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from review.quantities import amount, shown

if TYPE_CHECKING:
    from review.changes import Step

__all__ = ["Row", "budget"]

_REPLICATED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_Amounts = dict[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One resource of one namespace, as people read it; None for what is not there."""

    namespace: str
    resource: str
    """The quota's key: `requests.cpu`, `pods`."""
    quota: tuple[str | None, str | None]
    rest: tuple[str, str]
    most: tuple[str, str]
    above: bool
    """At rest, after the change, it asks for more than its quota: pods will be refused."""
    above_at_most: bool

    @property
    def changed(self) -> bool:
        """Whether anything of it differs."""
        return any(before != after for before, after in (self.quota, self.rest, self.most))

    @property
    def words(self) -> str:
        """What it comes to at rest: `fraud-prod uses 12 of 16 requests.nvidia.com/gpu (8 before)`."""
        of = "" if self.quota[1] is None else f" of {self.quota[1]}"
        return f"{self.namespace} uses {self.rest[1]}{of} {self.resource} ({self.rest[0]} before)"

    def __str__(self) -> str:
        allowed = "no quota" if self.quota[1] is None else _arrow(self.quota)
        return (
            f"{self.namespace}: {self.resource} {_arrow(self.rest)} of {allowed} at rest, {_arrow(self.most)} at most"
        )


def budget(steps: Iterable[Step]) -> list[Row]:
    """Sum up all that a plan declares, what it leaves alone included."""
    olds: dict[tuple[str, str], Mapping[str, Any]] = {}
    news: dict[tuple[str, str], Mapping[str, Any]] = {}
    for step in steps:  # a replacement is several steps of one resource
        if step.old:
            olds[step.type, step.name] = step.old
        if step.new:
            news[step.type, step.name] = step.new
    before, after = _Side(olds.values()), _Side(news.values())
    return [_row(*key, before, after) for key in dict.fromkeys([*before.hard, *after.hard])]


def _row(namespace: str, resource: str, before: _Side, after: _Side) -> Row:
    key = (namespace, resource)
    hard, rest, most = after.hard.get(key), after.rest[namespace], after.most[namespace]
    return Row(
        namespace=namespace,
        resource=resource,
        quota=(_shown(before.hard.get(key), resource), _shown(hard, resource)),
        rest=(shown(before.rest[namespace][resource], resource), shown(rest[resource], resource)),
        most=(shown(before.most[namespace][resource], resource), shown(most[resource], resource)),
        above=hard is not None and rest[resource] > hard,
        above_at_most=hard is not None and most[resource] > hard,
    )


class _Side:
    """All that is declared on one side of a plan."""

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self.hard: dict[tuple[str, str], Decimal] = {}
        self.rest: dict[str, _Amounts] = defaultdict(lambda: defaultdict(Decimal))
        self.most: dict[str, _Amounts] = defaultdict(lambda: defaultdict(Decimal))
        declared = [each for each in objects if isinstance(each.get("kind"), str)]
        scaled = {_target(each): each["spec"] for each in declared if each["kind"] == "HorizontalPodAutoscaler"}
        for each in declared:
            namespace = str((each.get("metadata") or {}).get("namespace", "default"))
            if each["kind"] == "ResourceQuota":
                self._limit(namespace, (each.get("spec") or {}).get("hard") or {})
            elif (pods := _pods(each, scaled)) is not None:
                for key, value in _requests(each["spec"]["template"]["spec"]):
                    self.rest[namespace][key] += value * pods[0]
                    self.most[namespace][key] += value * pods[1]

    def _limit(self, namespace: str, hard: Mapping[str, Any]) -> None:
        """Take the keys that pods are counted by; of two quotas the smaller holds."""
        for key, value in hard.items():
            name = f"requests.{key}" if key in ("cpu", "memory") else key
            counted = name == "pods" or name.startswith(("requests.", "limits."))
            if not counted or "storage" in name or (number := amount(value)) is None:
                continue
            held = self.hard.get((namespace, name))
            self.hard[namespace, name] = number if held is None else min(held, number)


def _target(scaler: Mapping[str, Any]) -> tuple[str, str, str]:
    reference = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    namespace = str((scaler.get("metadata") or {}).get("namespace", "default"))
    return (namespace, str(reference.get("kind")), str(reference.get("name")))


def _pods(each: Mapping[str, Any], scaled: Mapping[tuple[str, str, str], Any]) -> tuple[Decimal, Decimal] | None:
    """Give how many pods something has at rest and at most, None for what has none."""
    kind, spec, metadata = each["kind"], each.get("spec") or {}, each.get("metadata") or {}
    if not isinstance(spec.get("template"), Mapping):
        return None
    if kind in _REPLICATED:
        own = spec.get("replicas", 1)
        scaler = scaled.get((str(metadata.get("namespace", "default")), kind, str(metadata.get("name"))), {})
        least, largest = scaler.get("minReplicas", own), scaler.get("maxReplicas", own)
    elif kind == "Job":
        least = largest = spec.get("parallelism", 1)
    else:
        return None  # a DaemonSet's number is the cluster's, a CronJob's the clock's
    return amount(least) or Decimal(0), amount(largest) or Decimal(0)


def _requests(spec: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """Give what one pod counts for, by the quota's keys."""
    running: _Amounts = defaultdict(Decimal)
    for container in spec.get("containers") or []:
        for key, value in _of(container):
            running[key] += value
    for container in spec.get("initContainers") or []:
        for key, value in _of(container):
            running[key] = max(running[key], value)
    yield "pods", Decimal(1)
    yield from running.items()


def _of(container: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    # A limit without a request is a request of the same.
    for kind, values in (("requests", {**limits, **requests}), ("limits", limits)):
        for key, value in values.items():
            if (number := amount(value)) is not None:
                yield f"{kind}.{key}", number


def _shown(number: Decimal | None, resource: str) -> str | None:
    return None if number is None else shown(number, resource)


def _arrow(values: tuple[str | None, str | None]) -> str:
    before, after = values
    return str(after) if before == after else f"{'none' if before is None else before} → {after}"
