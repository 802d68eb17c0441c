"""How nodes come and go: the settings' autoscaler as the component that declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs, NodeGroup

if TYPE_CHECKING:
    import pulumi

    from infra.settings import AutoscalerFlags, Settings

__all__ = ["declare_autoscaler", "flags"]


def declare_autoscaler(settings: Settings, opts: pulumi.ResourceOptions) -> ClusterAutoscaler | None:
    """Declare the autoscaler of a stack; None where it has none."""
    chosen = settings.autoscaler
    if chosen is None or chosen.kind == "none":
        return None
    if chosen.image is None or chosen.cloud is None:
        raise ValueError("autoscaler: no image or cloud")  # refused by the settings' rules before
    args = ClusterAutoscalerArgs(
        namespace=chosen.namespace,
        image=settings.reference(chosen.image),
        cloud=chosen.cloud,
        groups=[
            NodeGroup(name=pool.group or name, least=pool.min, most=pool.max)
            for name, pool in settings.cluster.node_pools.items()
        ],
        flags=flags(chosen.flags),
        identity=chosen.identity,
        priorities=chosen.priorities,
    )
    return ClusterAutoscaler("autoscaler", args, opts)


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
