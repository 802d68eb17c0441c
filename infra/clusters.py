"""Which cluster the platform stands on: one that is reached, or one that is made here, by what the settings say."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster import ClusterProvider, ClusterProviderArgs
from components.node_pool import NodePool, Taint
from infra.autoscaling import flags
from infra.settings import MADE_HERE, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.reach import Reach
    from infra.settings import Settings
    from infra.settings.node_pool import NodePool as PoolSettings

__all__ = ["Ground", "declare_cluster"]

_GIB = 1024**3
# Resource names of the environment's cluster in a cloud: one account may hold several.
_NAME = "ml-platform-{}"
_AUTOSCALER = "cluster-autoscaler"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What everything else of an environment stands on."""

    provider: pulumi.ProviderResource
    """Through which objects are declared."""

    ready: Sequence[pulumi.Resource] = ()
    """What must be there before pods can run; nothing of a cluster that exists."""

    groups: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the cloud calls a pool's nodes, by pool, where that is known only when they are made."""

    kubeconfig: pulumi.Output[str] | None = None
    """How others reach the cluster; None where a file of theirs says it."""


def declare_cluster(settings: Settings, reached: Reach) -> Ground:
    """Declare the cluster where this stack makes it, and the connection to it in any case."""
    made = _made(settings)
    if made is None:
        if settings.cluster.has_a_file:
            return Ground(provider=_provider(settings, reached.kubeconfig))
        text = pulumi.Output.secret(reached.kubeconfig or "")
        return Ground(provider=_provider(settings, text), kubeconfig=text)
    # What the guard does from now on, it does with what this run knows of the cluster.
    made.kubeconfig.apply(reached.tell)
    provider = _provider(settings, made.kubeconfig)
    return Ground(provider=provider, ready=made.ready, groups=made.groups, kubeconfig=made.kubeconfig)


def _provider(settings: Settings, kubeconfig: pulumi.Input[str] | None) -> pulumi.ProviderResource:
    args = ClusterProviderArgs(identifier=settings.environment, context=settings.cluster.context, kubeconfig=kubeconfig)
    return ClusterProvider("cluster", args).provider


def _made(settings: Settings) -> Any:
    """Declare the cluster that this stack makes; None for one that exists."""
    provider = settings.cluster.provider
    if provider not in MADE_HERE:
        return None
    declare = {"eks": _eks, "gke": _gke, "aks": _aks, "kind": _kind}[provider]
    return declare(settings, [_pool(name, pool) for name, pool in settings.cluster.node_pools.items()])


def _component(kind: str) -> Any:
    """Import what declares such a cluster. Raises pulumi.RunError where the extra that it needs is not installed."""
    try:
        return importlib.import_module(f"components.{kind}_cluster")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("pulumi_"):
            raise
        raise pulumi.RunError(
            f"cluster.provider: {kind} needs {error.name.replace('_', '-')}, which is not installed; nothing was"
            f" touched: pip install '.[{kind}]'"
        ) from None


def _eks(settings: Settings, pools: Sequence[NodePool]) -> Any:
    cluster, eks, autoscaler = settings.cluster, settings.cluster.eks, settings.autoscaler
    module = _component("eks")
    if eks is None:
        raise ValueError("cluster: no eks")  # refused by the settings' rules before
    kind = None if autoscaler is None else autoscaler.kind
    args = module.EksClusterArgs(
        **_common(settings, pools),
        account=eks.account,
        region=eks.region,
        admins=eks.admins,
        nodes=cluster.network.nodes,
        services=cluster.network.services,
        autoscaler=(autoscaler.namespace, _AUTOSCALER) if autoscaler is not None and kind == _AUTOSCALER else None,
        system=eks.system_instance if kind == "karpenter" else None,
    )
    return module.EksCluster("cluster", args)


def _gke(settings: Settings, pools: Sequence[NodePool]) -> Any:
    cluster, gke = settings.cluster, settings.cluster.gke
    module = _component("gke")
    if gke is None:
        raise ValueError("cluster: no gke")  # refused by the settings' rules before
    args = module.GkeClusterArgs(
        **_common(settings, pools),
        project=gke.project,
        region=gke.region,
        nodes=cluster.network.nodes,
        pods=cluster.network.pods,
        services=cluster.network.services,
        control_plane=gke.control_plane,
        grows=settings.autoscaler is not None and settings.autoscaler.kind == _AUTOSCALER,
    )
    return module.GkeCluster("cluster", args)


def _aks(settings: Settings, pools: Sequence[NodePool]) -> Any:
    cluster, aks, autoscaler = settings.cluster, settings.cluster.aks, settings.autoscaler
    module = _component("aks")
    if aks is None:
        raise ValueError("cluster: no aks")  # refused by the settings' rules before
    args = module.AksClusterArgs(
        **_common(settings, pools),
        subscription=aks.subscription,
        tenant=aks.tenant,
        location=aks.location,
        admins=aks.admins,
        system=aks.system_instance,
        nodes=cluster.network.nodes,
        pods=cluster.network.pods,
        services=cluster.network.services,
        # As kubeadm has it: the tenth address.
        dns=str(IPv4Network(cluster.network.services)[10]),
        log_workspace=aks.log_workspace,
        key_vault=aks.key_vault,
        autoscaler=flags(autoscaler.flags) if autoscaler is not None and autoscaler.kind == _AUTOSCALER else None,
    )
    return module.AksCluster("cluster", args)


def _kind(settings: Settings, pools: Sequence[NodePool]) -> Any:
    module = _component("kind")
    if settings.cluster.kind is None:
        raise ValueError("cluster: no kind")  # refused by the settings' rules before
    args = module.KindClusterArgs(
        name=_NAME.format(settings.environment),
        image=settings.cluster.kind.image,
        pools=pools,
        protect=settings.cluster.protect,
    )
    return module.KindCluster("cluster", args)


def _common(settings: Settings, pools: Sequence[NodePool]) -> dict[str, Any]:
    cluster = settings.cluster
    return {
        "name": _NAME.format(settings.environment),
        "version": cluster.version,
        "pools": pools,
        "public": cluster.api_access.public,
        "logs": cluster.logs,
        "encryption_key": cluster.encryption_key,
        "protect": cluster.protect,
    }


def _pool(name: str, pool: PoolSettings) -> NodePool:
    disk = None if pool.disk is None else -(-parse_quantity(pool.disk) // _GIB)
    return NodePool(
        name=name,
        instance=pool.instance or "",
        least=pool.min,
        most=pool.max,
        pods=pool.allocatable.pods,
        architecture=pool.architecture,
        accelerators=pool.accelerators,
        device=pool.device,
        labels=pool.labels,
        taints=[Taint.parse(text) for text in pool.taints],
        zones=pool.zones,
        spot=pool.spot,
        disk=None if disk is None else int(disk),
        surge=pool.surge,
    )
