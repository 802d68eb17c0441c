"""Who decides how many pods there are."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policies.rules.option import Option
from policies.rules.rule import Finding, Manifest, rule, stack_rule
from policies.rules.sizes import SCALERS, Scaler, scalers
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["hpa_bounds", "hpa_owns_replicas", "hpa_target", "one_autoscaler"]

_AUTOSCALING = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
_UNSCALABLE = ("DaemonSet", "Job", "CronJob", "Pod")
# Kubernetes' own, whose group is known; a custom resource may have a scale subresource of its own.
_GROUPS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "ReplicaSet": "apps/v1", "ReplicationController": "v1"}


@rule(
    id="hpa-target",
    severity="high",
    reason="An autoscaler whose target cannot be scaled does nothing, and says so only in its own status",
    remedy="Name apiVersion, kind and name of a Deployment, a StatefulSet or another kind with a scale subresource.",
    source=_AUTOSCALING,
    kinds=SCALERS,
    requires=True,
)
def hpa_target(manifest: Manifest) -> Iterator[Finding]:
    """Every autoscaler names something that can be scaled, in the API version that the cluster has it in."""
    place = "spec.scaleTargetRef"
    version, kind, name = (look(manifest, "spec", "scaleTargetRef", part) for part in ("apiVersion", "kind", "name"))
    keda = manifest.get("kind") == "ScaledObject"  # which fills in apps/v1 and Deployment
    if UNKNOWN in (version, kind, name):
        yield Finding(path=place, found="not known in a preview", unknown=True)
        return
    if not name or not (kind or keda):
        yield Finding(path=place, found="names no target")
    elif kind in _UNSCALABLE:
        yield Finding(path=f"{place}.kind", found=f"a {kind} cannot be scaled")
    elif kind in _GROUPS and version != _GROUPS[kind] and not (keda and version is None):
        yield Finding(path=f"{place}.apiVersion", found=f"{kind} is in {_GROUPS[kind]}, not in {version or 'none'}")


@rule(
    id="hpa-bounds",
    severity="high",
    reason="Bounds that contradict each other are refused by the API server, and a missing ceiling by the bill",
    remedy="Set the minimum to 1 or more and the maximum to no less.",
    source=_AUTOSCALING,
    kinds=SCALERS,
    requires=True,
    options={
        "ceiling": Option(
            type=int | None,
            default=None,
            says="the highest maximum that an autoscaler may have. None by default: how large a model may grow is"
            " already said where it is declared",
        )
    },
)
def hpa_bounds(manifest: Manifest, *, ceiling: int | None) -> Iterator[Finding]:
    """Every autoscaler has a maximum, and a minimum that is no higher. KEDA's may be zero."""
    keda = manifest.get("kind") == "ScaledObject"
    low_key, high_key = ("minReplicaCount", "maxReplicaCount") if keda else ("minReplicas", "maxReplicas")
    low, high = (look(manifest, "spec", key) for key in (low_key, high_key))
    if UNKNOWN in (low, high):
        yield Finding(path=f"spec.{low_key if low is UNKNOWN else high_key}", found="not known", unknown=True)
        return
    if high is None and not keda:
        yield Finding(path=f"spec.{high_key}", found="missing")
        return
    low, high = (1 if low is None else low), (100 if high is None else high)
    if not all(isinstance(bound, int | float) for bound in (low, high)):
        yield Finding(path="spec", found=f"{low_key} {low} or {high_key} {high} is no number")
    elif low < (0 if keda else 1):
        yield Finding(path=f"spec.{low_key}", found=f"{low} pods serve nobody")
    elif high < 1:
        yield Finding(path=f"spec.{high_key}", found=f"{high} pods at most serve nobody, and the API server refuses it")
    elif high < low:
        yield Finding(path=f"spec.{high_key}", found=f"the maximum {high} is below the minimum {low}")
    elif ceiling is not None and high > ceiling:
        yield Finding(path=f"spec.{high_key}", found=f"the maximum {high} is above the {ceiling} that are allowed")


@stack_rule(
    id="hpa-owns-replicas",
    severity="high",
    reason="Two owners of one number: each `up` throws the autoscaler's pods away, or conflicts with it",
    remedy="Leave spec.replicas out of what an autoscaler scales.",
    source="https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#migrating-deployments-and-statefulsets-to-horizontal-autoscaling",
    kinds=(*SCALERS, "Deployment", "StatefulSet", "ReplicaSet", "Rollout"),
)
def hpa_owns_replicas(stack: Stack) -> Iterator[Finding]:
    """No workload that an autoscaler scales says a number of its own."""
    for scaler in scalers(stack):
        target = stack.named(*scaler.target)
        replicas = look(target.manifest, "spec", "replicas") if target else None
        if target is None or replicas is None:
            continue
        yield Finding(
            path="spec.replicas",
            found=f"declares {replicas} replicas, which {scaler.object.title} owns",
            unknown=replicas is UNKNOWN,
            about=target,
            also=(scaler.object,),
        )


@stack_rule(
    id="one-autoscaler",
    severity="high",
    reason="Two autoscalers of one thing undo each other's work, for ever",
    remedy="Keep one: an HPA or a ScaledObject of a workload (and a VPA only with other metrics than CPU and memory),"
    " Cluster Autoscaler or Karpenter of a cluster.",
    source="https://kubernetes.io/docs/concepts/cluster-administration/node-autoscaling/",
    kinds=(*SCALERS, "VerticalPodAutoscaler", "Deployment", "NodePool"),
)
def one_autoscaler(stack: Stack) -> Iterator[Finding]:
    """Nothing is scaled by two: no workload, and not the number of nodes."""
    by_target: dict[tuple[str, str, str], list[Scaler]] = defaultdict(list)
    for scaler in scalers(stack):
        if scaler.name is not UNKNOWN:
            by_target[scaler.target].append(scaler)
    for (kind, _, name), found in by_target.items():
        yield from _rivals(_by_title(found), f"{kind} {name}")
    for vertical in stack.of("VerticalPodAutoscaler"):
        if look(vertical.manifest, "spec", "updatePolicy", "updateMode") == "Off":
            continue
        kind, name = (str(look(vertical.manifest, "spec", "targetRef", part)) for part in ("kind", "name"))
        rivals = _by_title(each for each in by_target[kind, vertical.namespace, name] if _by_use(each))
        yield from _rivals([*rivals, vertical], f"{kind} {name}")
    nodes = {by: tuple(each for each in stack.of("Deployment", "NodePool") if _adds_nodes(each) == by) for by in _NODES}
    for each in nodes["cluster-autoscaler"]:
        if karpenter := nodes["karpenter"]:
            says = "scales the number of nodes, as Karpenter does"
            yield Finding(path="metadata.name", found=says, about=each, also=karpenter)


_NODES = ("cluster-autoscaler", "karpenter")


def _by_title(found: Iterable[Scaler]) -> list[Object]:
    """Order autoscalers by name: an engine shows a program's objects in no order, and one of them is to be exempted."""
    return sorted((each.object for each in found), key=lambda each: each.title)


def _rivals(found: list[Object], scaled: str) -> Iterator[Finding]:
    for rival in found[1:]:
        yield Finding(
            path="metadata.name",
            found=f"scales {scaled}, as {found[0].title} does",
            about=rival,
            also=(found[0],),
        )


def _by_use(scaler: Scaler) -> bool:
    """Tell whether an autoscaler goes by CPU or memory, which a VerticalPodAutoscaler changes."""
    metrics = items(look(scaler.object.manifest, "spec", "metrics"))
    return not metrics or any(look(metric, "type") in ("Resource", "ContainerResource") for metric in metrics)


def _adds_nodes(each: Object) -> str | None:
    if each.kind == "NodePool":
        return "karpenter" if each.group == "karpenter.sh" else None
    named = {each.name, *_names(each.manifest)}
    return next((by for by in _NODES if by in named), None)


def _names(manifest: Manifest) -> Iterator[Any]:
    for container in items(look(manifest, "spec", "template", "spec", "containers")):
        image = look(container, "image")
        if isinstance(image, str):
            yield image.partition("@")[0].rpartition("/")[2].partition(":")[0]
