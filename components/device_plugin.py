from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.confined import CONFINED
from components.labels import ENVIRONMENT, MANAGED_BY, NAME, NODE_POOL, SKIP_AWAIT
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.node_pool import Taint

__all__ = ["DevicePlugin", "DevicePluginArgs"]

_NAME = "nvidia-device-plugin"

# Where the kubelet listens for plugins, and finds their sockets.
# Source: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
_SOCKETS = "/var/lib/kubelet/device-plugins"


@dataclass(frozen=True, kw_only=True)
class DevicePluginArgs:
    """Where it runs: on the nodes of these pools, whose taints it bears. Raises ValueError without any."""

    environment: str
    namespace: str
    image: str
    """NVIDIA's `k8s-device-plugin`, by digest."""
    pools: Sequence[str]
    taints: Sequence[Taint] = ()

    def __post_init__(self) -> None:
        if not self.pools:
            raise ValueError("device plugin: no pools")


class DevicePlugin(pulumi.ComponentResource):
    """One pod a node that tells the kubelet of its NVIDIA GPUs, where nobody else does.

    It writes a socket into a directory of the kubelet's that is root's: more than the policy pack allows, so that who
    declares it exempts it by name.
    """

    def __init__(self, name: str, args: DevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:DevicePlugin", name, {"environment": args.environment}, opts)
        labels = {NAME: _NAME, MANAGED_BY: "pulumi", ENVIRONMENT: args.environment}
        metadata = {"name": _NAME, "namespace": args.namespace, "labels": labels}
        account = Manifest(
            "v1:ServiceAccount",
            f"{args.namespace}/{_NAME}",
            {"metadata": metadata, "automountServiceAccountToken": False},
            pulumi.ResourceOptions(parent=self),
        )
        spec = {
            "selector": {"matchLabels": {NAME: _NAME}},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": _pod(args)},
        }
        Manifest(
            "apps/v1:DaemonSet",
            f"{args.namespace}/{_NAME}",
            # Nodes with GPUs come when pods ask for them: an `up` does not wait for one that is on its way.
            {"metadata": {**metadata, "annotations": {SKIP_AWAIT: "true"}}, "spec": spec},
            pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        self.register_outputs({})


def _pod(args: DevicePluginArgs) -> dict[str, Any]:
    nodes = [{"matchExpressions": [{"key": NODE_POOL, "operator": "In", "values": sorted(args.pools)}]}]
    return {
        # Without it no GPU of the node can be used: it comes before whatever else wants room there. As upstream has it.
        "priorityClassName": "system-node-critical",
        "serviceAccountName": _NAME,
        "automountServiceAccountToken": False,
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": nodes}},
        },
        "tolerations": [taint.toleration for taint in args.taints],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "plugin",
                "image": args.image,
                "imagePullPolicy": "IfNotPresent",
                # While drivers are still being installed there are none to be found: wait, and do not crash.
                # Upstream: FAIL_ON_INIT_ERROR.
                "env": [{"name": "FAIL_ON_INIT_ERROR", "value": "false"}],
                "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": CONFINED,
                "volumeMounts": [{"name": "sockets", "mountPath": _SOCKETS}],
            }
        ],
        "volumes": [{"name": "sockets", "hostPath": {"path": _SOCKETS, "type": "Directory"}}],
    }
