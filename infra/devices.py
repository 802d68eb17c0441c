"""Who tells the kubelets of a stack's nodes which devices they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.node_pool import NVIDIA, Taint

if TYPE_CHECKING:
    import pulumi

    from infra.settings import Settings

__all__ = ["declare_device_plugin"]


def declare_device_plugin(settings: Settings, opts: pulumi.ResourceOptions) -> DevicePlugin | None:
    """Declare what tells of NVIDIA's GPUs; None where the stack names nothing for it."""
    chosen = settings.cluster.device_plugin
    if chosen is None:
        return None
    pools = {name: pool for name, pool in settings.cluster.node_pools.items() if NVIDIA in pool.accelerators}
    args = DevicePluginArgs(
        environment=settings.environment,
        namespace=chosen.namespace,
        image=settings.reference(chosen.image),
        pools=list(pools),
        # Each once: pools mostly have the same.
        taints=[Taint.parse(text) for text in dict.fromkeys(text for pool in pools.values() for text in pool.taints)],
    )
    return DevicePlugin("device-plugin", args, opts)
