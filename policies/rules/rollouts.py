"""How pods are replaced, spread and ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.rules.environment import ENVIRONMENTS, meant
from policies.rules.option import Option
from policies.rules.pods import POD_KINDS, containers_of, only_holds_room, pod_specs
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.stack import selects
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.rules.pods import PodSpec

__all__ = ["SPREAD_KINDS", "WHOLE", "grace_period", "priority_class", "rolling_strategy", "spread"]

SPREAD_KINDS = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout", "CloneSet"})
"""Kinds that run several pods of one kind. A DaemonSet has one a node anyway."""

WHOLE = re.compile(r"[1-9][0-9]{2,}%")
"""100 % and more."""


@rule(
    id="spread",
    severity="medium",
    reason="Replicas on one node or in one zone go down together, and are then no replicas",
    remedy="Set topologySpreadConstraints or podAntiAffinity, with a selector that takes the pod's own labels.",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",
    kinds=SPREAD_KINDS,
    requires=True,
    options={"environments": ENVIRONMENTS},
)
def spread(manifest: Manifest, *, environments: Sequence[str]) -> Iterator[Finding]:
    """Pods of a workload are spread, by a constraint that applies to them, unless it says that it has one at most.

    Or they only hold room for others, wherever that is.
    """
    if not meant(manifest, environments) or look(manifest, "spec", "replicas") in (0, 1) or only_holds_room(manifest):
        return
    for spec in pod_specs(manifest):
        constraints = look(spec.values, "topologySpreadConstraints")
        apart = look(spec.values, "affinity", "podAntiAffinity")
        if UNKNOWN in (constraints, apart):
            yield spec.unknown("topologySpreadConstraints")
        elif not constraints and not apart:
            yield spec.finding("nothing spreads the pods over nodes or zones")
        else:
            yield from _idle_constraints(spec)


def _idle_constraints(spec: PodSpec) -> Iterator[Finding]:
    for index, constraint in enumerate(items(look(spec.values, "topologySpreadConstraints"))):
        selector = look(constraint, "labelSelector")
        place = spec.at(f"topologySpreadConstraints[{index}]", "labelSelector")
        taken = selects(selector, look(spec.metadata, "labels"))
        if taken is None:
            yield place.unknown()
        elif not selector or not taken:
            yield place.finding("takes none of the pod's own labels, so that the constraint counts nothing")


@rule(
    id="rolling-strategy",
    severity="high",
    reason="An update that takes all pods down at once is an outage, however short",
    remedy="Use a RollingUpdate with maxUnavailable below 100%.",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy",
    kinds=("Deployment", "StatefulSet", "DaemonSet"),
    options={"environments": ENVIRONMENTS},
)
def rolling_strategy(manifest: Manifest, *, environments: Sequence[str]) -> Iterator[Finding]:
    """No update takes all pods down. A missing strategy is upstream's, which replaces one after the other."""
    if not meant(manifest, environments):
        return
    key = "strategy" if manifest.get("kind") == "Deployment" else "updateStrategy"
    strategy = look(manifest, "spec", key)
    kind, most = look(strategy, "type"), look(strategy, "rollingUpdate", "maxUnavailable")
    replicas = look(manifest, "spec", "replicas")
    if kind is UNKNOWN:
        yield Finding(path=f"spec.{key}.type", found="not known in a preview", unknown=True)
    elif kind in ("Recreate", "OnDelete"):
        says = "ends every pod before the first new one starts" if kind == "Recreate" else "never updates by itself"
        yield Finding(path=f"spec.{key}.type", found=f"{kind} {says}")
    elif most is UNKNOWN:
        yield Finding(path=f"spec.{key}.rollingUpdate.maxUnavailable", found="not known in a preview", unknown=True)
    elif WHOLE.fullmatch(str(most)) or (isinstance(most, int) and isinstance(replicas, int) and most >= replicas > 1):
        yield Finding(path=f"spec.{key}.rollingUpdate.maxUnavailable", found=f"{most} lets every pod go at once")


@rule(
    id="priority-class",
    severity="medium",
    reason="Where there is no room, priority says who goes first; a pod that claims too much evicts others",
    remedy="Set priorityClassName to one of the allowed classes.",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
    kinds=POD_KINDS,
    requires=True,
    options={
        "classes": Option(
            type=list[str],
            default=[],
            says="PriorityClasses of which a pod must name one. None by default, and nothing is asked: they are"
            " objects of your cluster's own",
        )
    },
)
def priority_class(manifest: Manifest, *, classes: list[str]) -> Iterator[Finding]:
    """Every pod names one of the allowed PriorityClasses."""
    if not classes:
        return
    for spec in pod_specs(manifest):
        place = spec.at("priorityClassName")
        if place.values is UNKNOWN:
            yield place.unknown()
        elif place.values not in classes:
            named = f'"{place.values}"' if place.values else "no class"
            yield place.finding(f"names {named}; allowed: {', '.join(classes)}")


@rule(
    id="grace-period",
    severity="medium",
    reason="A pod that is killed before it has finished answers its last requests with a broken connection",
    remedy="Set terminationGracePeriodSeconds above the preStop sleep, with time for the process to end.",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    kinds=POD_KINDS,
    options={
        "seconds": Option(
            type=int,
            default=5,
            says="time that must be left when the preStop sleep is over. A server that is told to stop closes its"
            " connections within seconds",
        )
    },
)
def grace_period(manifest: Manifest, *, seconds: int) -> Iterator[Finding]:
    """Every grace period holds the longest preStop sleep and time to end. Upstream's default is 30 s."""
    for spec in pod_specs(manifest):
        place = spec.at("terminationGracePeriodSeconds")
        grace = place.values
        if grace is UNKNOWN:
            yield place.unknown()
            continue
        if not isinstance(grace, int | float) or isinstance(grace, bool):
            grace = 30
        sleep = 0
        for container in containers_of(spec, "initContainers", "containers"):
            slept = look(container.values, "lifecycle", "preStop", "sleep", "seconds")
            if slept is UNKNOWN:
                yield container.unknown("lifecycle", "preStop", "sleep", "seconds")
            elif isinstance(slept, int | float):
                sleep = max(sleep, int(slept))
        if grace < sleep + seconds:
            yield place.finding(f"{grace:g} s, of which the preStop sleep takes {sleep} s; at least {sleep + seconds}")
