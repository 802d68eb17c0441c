"""What one run saw of the models in the cluster: frozen values, no connection, no Kubernetes object."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from components.labels import ONLY, SLOTS, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PLACES",
    "ClaimSeen",
    "Lost",
    "ModelSeen",
    "Observed",
    "PodSeen",
    "QuotaSeen",
    "Reason",
    "ReasonKind",
    "RouteSeen",
    "Scope",
    "SlotSeen",
]

PLACES: tuple[Place, ...] = (*SLOTS, ONLY)
"""Wherever a version of a model may stand: a model may have had slots before, or none."""


class ReasonKind(StrEnum):
    """Why a slot does not carry the load, as far as the cluster says so."""

    CRASH = "crash"
    IMAGE = "image"
    QUOTA = "quota"
    UNSCHEDULABLE = "unschedulable"
    PROBE = "probe"
    STARTING = "starting"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason in the cluster's own words.

    `count` is how often it happened (restarts of a container, failed pulls as far as they are
    counted): a first crash may heal, a fifth will not.
    """

    kind: ReasonKind
    text: str
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class PodSeen:
    """A pod of a slot. `template` is its ReplicaSet's hash: pods of one template are alike.

    `created` and `ready_since` are times as the API server writes them, empty where there is none.
    """

    name: str
    image: str
    template: str = ""
    created: str = ""
    ready: bool = False
    ready_since: str = ""
    ending: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SlotSeen:
    """A slot's Deployment, autoscaler, Service and pods.

    Replica counts are the Deployment's: `desired` is its spec, `current` the pods there are, `updated`
    those of the newest template. `floor` is the autoscaler's minReplicas, `hold` and `served` are its annotations.
    `available` is since when the Deployment has enough ready pods, None while it has not. `started` is the annotation
    that the guard left when it put the slot to sleep: how long its last start took.
    `requests` is what one pod of the live template counts in a quota (`requests.cpu: 500m`).
    `content` is the hash that was declared with the live template, `image` what the template says now:
    the second without the first has been changed by another hand. `stalled` is the Deployment's own word that its
    rollout makes no progress.
    """

    exists: bool = False
    desired: int = 0
    current: int = 0
    updated: int = 0
    ready: int = 0
    generation: int = 0
    observed_generation: int = 0
    version: str | None = None
    content: str | None = None
    image: str | None = None
    requests: Mapping[str, str] = field(default_factory=dict)
    floor: int | None = None
    hold: str | None = None
    served: str | None = None
    available: str | None = None
    started: str | None = None
    stalled: bool = False
    pods: tuple[PodSeen, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def running(self) -> int:
        """How many pods carry the slot's load now.

        The lesser of wanted and present: a surge is no load, and pods that a quota refuses carry none.
        """
        return min(self.desired, self.current)

    @property
    def newest(self) -> tuple[PodSeen, ...]:
        """The pods of the newest template that are to stay: what a rollout leaves is about to go anyway."""
        staying = [pod for pod in self.pods if not pod.ending]
        if not staying:
            return ()
        newest = max(staying, key=lambda pod: pod.created).template
        return tuple(pod for pod in staying if pod.template == newest)

    @property
    def settled(self) -> bool:
        """Whether the Deployment has acted on its newest template and every pod is of it."""
        return self.exists and self.observed_generation >= self.generation and self.updated == self.current


@dataclass(frozen=True, kw_only=True)
class RouteSeen:
    """How a model's HTTPRoute shares requests out.

    `shares` is each Service's share in percent of what no header match takes, without those that get nothing;
    `matches` the headers (name and value, sorted) that lead to a Service whatever the shares; `mirrors` the percentage
    that a Service gets a copy of.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    matches: frozenset[tuple[tuple[tuple[str, str], ...], str]] = frozenset()
    mirrors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelSeen:
    """A model's routing Service, the places where its versions stand, and its way in from outside.

    `routing` is the place the live selector names, or of two slots that share the traffic the active one; None when
    there is no Service, or when its selector names neither (`service` tells the two apart). `shared` is whether two
    slots share the traffic by their numbers of pods. `route` is None where there is no HTTPRoute.
    """

    service: bool = False
    routing: Place | None = None
    shared: bool = False
    slots: Mapping[Place, SlotSeen] = field(default_factory=lambda: {place: SlotSeen() for place in PLACES})
    route: RouteSeen | None = None

    def at(self, place: Place) -> SlotSeen:
        """Give what was seen at a place; an empty picture where nothing was."""
        return self.slots.get(place, SlotSeen())


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One condition of whose pods a ResourceQuota counts, in Kubernetes' own words."""

    name: str
    operator: str
    values: frozenset[str] = frozenset()

    def has(self, priority_class: str | None) -> bool:
        """Tell whether it holds for a model's pods: they have requests, no deadline, and a class of priority or none.

        Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes
        """
        if self.name != "PriorityClass":
            return self.name in ("NotTerminating", "NotBestEffort")
        match self.operator:
            case "In":
                return priority_class in self.values
            case "NotIn":
                return priority_class not in self.values
            case "DoesNotExist":
                return priority_class is None
            case _:
                return priority_class is not None


@dataclass(frozen=True, kw_only=True)
class QuotaSeen:
    """A ResourceQuota's hard limits and use, both in Kubernetes quantities by resource name."""

    name: str
    hard: Mapping[str, str]
    used: Mapping[str, str]
    scopes: tuple[Scope, ...] = ()

    def counts(self, priority_class: str | None) -> bool:
        """Tell whether it counts the pods of a model of this class."""
        return all(scope.has(priority_class) for scope in self.scopes)


@dataclass(frozen=True, kw_only=True)
class ClaimSeen:
    """A PersistentVolumeClaim and its size, a Kubernetes quantity."""

    name: str
    size: str


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What is live as a team's and declared no longer.

    A whole namespace with its claims and how many of each kind are in it; or, where not `whole`, one claim alone.
    """

    namespace: str
    team: str
    claims: tuple[ClaimSeen, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All that was read in one run. `unreachable` says why nothing could be read, or is None.

    `mirrors` is whether the gateway can send copies of requests, as far as it says. `lost_unknown` says why it could
    not be read what is declared no longer, or is None.
    """

    unreachable: str | None = None
    models: Mapping[str, ModelSeen] = field(default_factory=dict)
    mirrors: bool = True
    quotas: Mapping[str, tuple[QuotaSeen, ...]] = field(default_factory=dict)
    lost: tuple[Lost, ...] = ()
    lost_unknown: str | None = None

    def model(self, name: str) -> ModelSeen:
        """Give what was seen of a model; an empty picture when it was not there or not readable."""
        return self.models.get(name, ModelSeen())
