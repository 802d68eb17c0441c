"""How nodes come and go: the settings' autoscaler as the component that declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs, NodeGroup
from components.headroom import Headroom, HeadroomArgs, Room
from components.karpenter import Karpenter, KarpenterArgs, KarpenterPool, NodeClassRef
from components.labels import NODE_POOL
from components.node_pool import NVIDIA, Taint
from components.spared_pods import SparedPods, SparedPodsArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from infra.settings import AutoscalerFlags, Settings
    from infra.settings.autoscaler import Autoscaler
    from infra.settings.karpenter import Budget
    from infra.settings.node_pool import NodePool

__all__ = ["declare_autoscaler", "declare_headroom", "declare_spared", "flags"]

_MARKS = {
    "cluster-autoscaler": ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    "karpenter": ("karpenter.sh/do-not-disrupt", "true"),
}

_RUN_IT = ("gke", "aks")
"""Clusters whose cloud runs the Cluster Autoscaler itself, beside the control plane."""


def declare_autoscaler(
    settings: Settings, groups: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> ClusterAutoscaler | Karpenter | None:
    """Declare the autoscaler of a stack; None where it has none, or its cloud runs it.

    `groups` is what the cloud calls pools' nodes where this run makes them.
    """
    chosen = settings.autoscaler
    if chosen is None or chosen.kind == "none" or settings.cluster.provider in _RUN_IT:
        return None
    if chosen.kind == "karpenter":
        return Karpenter("autoscaler", _karpenter(settings, chosen), opts)
    cloud = "aws" if settings.cluster.provider == "eks" else chosen.cloud
    if chosen.image is None or cloud is None:
        raise ValueError("autoscaler: no image or cloud")  # refused by the settings' rules before
    args = ClusterAutoscalerArgs(
        namespace=chosen.namespace,
        image=settings.reference(chosen.image),
        cloud=cloud,
        groups=[
            NodeGroup(name=groups.get(name) or pool.group or name, least=pool.min, most=pool.max)
            for name, pool in settings.cluster.node_pools.items()
        ],
        flags=flags(chosen.flags),
        identity=chosen.identity,
        priorities=chosen.priorities,
    )
    return ClusterAutoscaler("autoscaler", args, opts)


def declare_spared(settings: Settings, opts: pulumi.ResourceOptions) -> SparedPods | None:
    """Declare that pods which must end by themselves are marked so; None without an autoscaler that would move them."""
    chosen = settings.autoscaler
    if chosen is None or chosen.kind == "none" or not chosen.spare:
        return None
    annotation, value = _MARKS[chosen.kind]
    args = SparedPodsArgs(environment=settings.environment, owners=chosen.spare, annotation=annotation, value=value)
    return SparedPods("spared-pods", args, opts)


def declare_headroom(settings: Settings, opts: pulumi.ResourceOptions) -> Headroom | None:
    """Declare the room that is kept free; None where none is."""
    chosen, pools = settings.headroom, settings.cluster.node_pools
    if chosen is None:
        return None
    args = HeadroomArgs(
        environment=settings.environment,
        namespace=chosen.namespace,
        image=settings.reference(chosen.image),
        pools={
            name: Room(
                pods=room.pods,
                requests={
                    "cpu": room.cpu,
                    "memory": room.memory,
                    **({NVIDIA: str(room.gpu)} if room.gpu else {}),
                },
                taints=[Taint.parse(text) for text in pools[name].taints],
            )
            for name, room in chosen.pools.items()
        },
    )
    return Headroom("headroom", args, opts)


def _karpenter(settings: Settings, chosen: Autoscaler) -> KarpenterArgs:
    if chosen.image is None or chosen.karpenter is None:
        raise ValueError("autoscaler: no image or nodeClass")  # refused by the settings' rules before
    said = chosen.karpenter
    disruption = said.disruption
    return KarpenterArgs(
        namespace=chosen.namespace,
        image=settings.reference(chosen.image),
        node_class=NodeClassRef(group=said.node_class.group, kind=said.node_class.kind, name=said.node_class.name),
        pools={name: _pool(name, pool) for name, pool in settings.cluster.node_pools.items()},
        disruption={
            "consolidationPolicy": disruption.consolidation_policy,
            "consolidateAfter": _or_never(disruption.consolidate_after),
            "budgets": [_budget(budget) for budget in disruption.budgets],
        },
        expire_after=_or_never(said.expire_after),
        termination_grace_period=None if said.termination_grace_period is None else f"{said.termination_grace_period}s",
        flags={
            "batch-idle-duration": f"{said.batch_idle_duration}s",
            "batch-max-duration": f"{said.batch_max_duration}s",
        },
        identity=chosen.identity,
    )


def _or_never(seconds: int | None) -> str:
    return "Never" if seconds is None else f"{seconds}s"


def _pool(name: str, pool: NodePool) -> KarpenterPool:
    wanted: dict[str, list[str]] = {
        "node.kubernetes.io/instance-type": [pool.instance] if pool.instance else [],
        "kubernetes.io/arch": [pool.architecture],
        "topology.kubernetes.io/zone": list(pool.zones),
        "karpenter.sh/capacity-type": ["spot" if pool.spot else "on-demand"],
    }
    return KarpenterPool(
        labels={**pool.labels, NODE_POOL: name},
        most=pool.max,
        requirements={key: values for key, values in wanted.items() if values},
        taints=[Taint.parse(text) for text in pool.taints],
    )


def _budget(budget: Budget) -> dict[str, Any]:
    found: dict[str, Any] = {"nodes": budget.nodes}
    if budget.reasons:
        found["reasons"] = list(budget.reasons)
    if budget.schedule is not None and budget.duration is not None:
        # Whole minutes: cron has no seconds.
        found |= {"schedule": budget.schedule, "duration": f"{budget.duration // 60}m"}
    return found


def flags(chosen: AutoscalerFlags) -> dict[str, str]:
    """Return every flag with its value, as the command line has them: named, so that no default changes unseen."""
    return {name.replace("_", "-"): _written(name, value) for name, value in chosen}


def _written(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    # Go reads durations with a unit; what ends in `sec` is a number.
    timed = isinstance(value, int) and name.endswith(("_interval", "_time", "_add", "_delete", "_failure", "_delay"))
    return f"{value}s" if timed else str(value)
