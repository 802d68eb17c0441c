from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.confined import CONFINED
from components.labels import ENVIRONMENT, MANAGED_BY, NAME, NODE_POOL, SKIP_AWAIT
from components.manifest import Manifest
from components.priority_classes import Priority, priority_class, priority_class_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.node_pool import Taint

__all__ = ["Headroom", "HeadroomArgs", "Room"]

_VALUE = -10
"""Below every pod without a class, and as low as the Cluster Autoscaler still brings nodes for.
Upstream: `--expendable-pods-priority-cutoff`."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """So many pods' worth of room that is kept on a pool's nodes. `requests` is one pod's, as in a manifest."""

    pods: int
    requests: Mapping[str, str]
    taints: Sequence[Taint] = ()
    """The pool's, which these pods bear."""


@dataclass(frozen=True, kw_only=True)
class HeadroomArgs:
    """What is kept, by pool. Raises ValueError without any."""

    environment: str
    namespace: str
    image: str
    """One that does nothing until it is ended, such as Kubernetes' own `pause`."""
    pools: Mapping[str, Room]

    def __post_init__(self) -> None:
        if not self.pools:
            raise ValueError("headroom: no pools")


class Headroom(pulumi.ComponentResource):
    """Pods that do nothing but hold room, and give way to every other: so that those need not wait for a node.

    When one has given way it is pending, and so brings the next node in advance.
    """

    def __init__(self, name: str, args: HeadroomArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:Headroom", name, {"environment": args.environment}, opts)
        self._args = args
        self._class = priority_class_name("headroom", args.environment)
        labels = {MANAGED_BY: "pulumi", ENVIRONMENT: args.environment}
        lowest = Priority(value=_VALUE, preemption="Never", description="holds room for pods that matter")
        first = priority_class("headroom", lowest, args.environment, self)
        account = {"name": self._class, "namespace": args.namespace, "labels": labels}
        nobody = Manifest(
            "v1:ServiceAccount",
            f"{args.namespace}/{self._class}",
            {"metadata": account, "automountServiceAccountToken": False},
            pulumi.ResourceOptions(parent=self),
        )
        for pool, room in args.pools.items():
            self._declare(pool, room, labels, [first, nobody])
        self.register_outputs({})

    def _declare(self, pool: str, room: Room, labels: Mapping[str, str], first: Sequence[Manifest]) -> None:
        # With the environment: two of them may share a cluster, and its kube-system.
        name = f"{self._class}-{pool}"
        own = {NAME: name}
        metadata = {"name": name, "namespace": self._args.namespace, "labels": {**labels, **own}}
        # Their size is no matter of whether they run: an `up` must not wait for a node that nobody needs yet.
        annotations = {SKIP_AWAIT: "true"}
        spec = {
            "replicas": room.pods,
            "selector": {"matchLabels": own},
            "template": {"metadata": {"labels": {**labels, **own}}, "spec": self._pod(pool, room)},
        }
        Manifest(
            "apps/v1:Deployment",
            f"{self._args.namespace}/{name}",
            {"metadata": {**metadata, "annotations": annotations}, "spec": spec},
            pulumi.ResourceOptions(parent=self, depends_on=list(first)),
        )

    def _pod(self, pool: str, room: Room) -> dict[str, Any]:
        whole = {key: amount for key, amount in room.requests.items() if key != "cpu"}
        container = {
            "name": "room",
            "image": self._args.image,
            "imagePullPolicy": "IfNotPresent",
            "resources": {"requests": dict(room.requests), "limits": whole},
            "securityContext": CONFINED,
        }
        return {
            "priorityClassName": self._class,
            "serviceAccountName": self._class,
            "automountServiceAccountToken": False,
            "nodeSelector": {NODE_POOL: pool},
            "tolerations": [taint.toleration for taint in room.taints],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65535,  # as in the image itself
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        }
