"""How many pods a workload has: at least, at most, and during an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policies.rules.quantity import percent_of
from policies.rules.unknown import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["SCALERS", "Scaler", "least", "most", "scaler_of", "scalers", "surge"]

SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """An autoscaler, as far as rules look at it; numbers are UNKNOWN where a preview does not know them."""

    object: Object
    kind: Any
    name: Any
    least: Any
    most: Any

    @property
    def target(self) -> tuple[str, str, str]:
        """Kind, namespace and name of what it scales."""
        return str(self.kind), self.object.namespace, str(self.name)


def scalers(stack: Stack) -> list[Scaler]:
    """Return the autoscalers of pods, with upstream's defaults for what they leave out."""
    return stack.kept("scalers", lambda: list(_scalers(stack)))


def _scalers(stack: Stack) -> Iterator[Scaler]:
    for each in stack.of(*SCALERS):
        spec = look(each.manifest, "spec")
        ours = each.kind == SCALERS[0]
        bounds = ("minReplicas", "maxReplicas") if ours else ("minReplicaCount", "maxReplicaCount")
        low, high = (look(spec, bound) for bound in bounds)
        yield Scaler(
            object=each,
            kind=look(spec, "scaleTargetRef", "kind") or ("" if ours else "Deployment"),
            name=look(spec, "scaleTargetRef", "name"),
            least=(1 if ours else 0) if low is None else low,
            most=(None if ours else 100) if high is None else high,
        )


def scaler_of(stack: Stack, workload: Object) -> Scaler | None:
    """Return the autoscaler of a workload, None where it has none."""
    by_target = stack.kept("scalers by target", lambda: {each.target: each for each in reversed(scalers(stack))})
    return by_target.get((workload.kind, workload.namespace, workload.name))


def least(stack: Stack, workload: Object) -> int | None:
    """Return how many pods a workload has at least, None where that is not known yet."""
    scaler = scaler_of(stack, workload)
    return _number(scaler.least) if scaler else _declared(workload)


def most(stack: Stack, workload: Object) -> int | None:
    """Return how many pods a workload has at most, outside of updates. A DaemonSet counts as one: it has one a node."""
    scaler = scaler_of(stack, workload)
    return _number(scaler.most) if scaler else _declared(workload)


def surge(workload: Object, pods: int) -> int:
    """Return how many pods an update adds for its time to so many."""
    if workload.kind != "Deployment" or look(workload.manifest, "spec", "strategy", "type") == "Recreate":
        return 0
    said = look(workload.manifest, "spec", "strategy", "rollingUpdate", "maxSurge")
    return percent_of("25%" if said is None else said, pods, up=True) or 0  # 25 % is upstream's default


def _declared(workload: Object) -> int | None:
    spec = look(workload.manifest, "spec")
    if workload.kind in ("Job", "CronJob"):
        said = look(spec if workload.kind == "Job" else look(spec, "jobTemplate", "spec"), "parallelism")
    else:
        said = None if workload.kind in ("Pod", "DaemonSet") else look(spec, "replicas")
    return 1 if said is None else _number(said)


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None
