from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_command import local

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.node_pool import NodePool

__all__ = ["KindCluster", "KindClusterArgs", "config"]

# The names go by environment variables, and the configuration by standard input: nothing is quoted. Its own
# kubeconfig, since kind would write into the user's.
_CREATE = 'kind create cluster --name "$CLUSTER" --image "$IMAGE" --config - --wait 5m --kubeconfig "$(mktemp)"'
_DELETE = 'kind delete cluster --name "$CLUSTER" --kubeconfig "$(mktemp)"'
_READ = 'kind get kubeconfig --name "$CLUSTER"'
_NEVER = (
    "echo 'kind cannot change the nodes of a cluster that runs: pulumi up --replace on this resource makes it anew,"
    " with all that runs on it' >&2; exit 1"
)


@dataclass(frozen=True, kw_only=True)
class KindClusterArgs:
    """One cluster on this machine, whose nodes are the pools' least. Raises ValueError where those are none."""

    name: str
    image: str
    pools: Sequence[NodePool]
    protect: bool = False

    def __post_init__(self) -> None:
        if not any(pool.least for pool in self.pools):
            raise ValueError("kind: the pools have no node")


class KindCluster(pulumi.ComponentResource):
    """Kubernetes in Docker: a control plane and the nodes of every pool, each a container."""

    kubeconfig: pulumi.Output[str]
    """With a client certificate of the cluster's administrator: a secret."""

    groups: Mapping[str, pulumi.Output[str]]
    """Empty: nobody resizes the pools."""

    ready: Sequence[pulumi.Resource]
    """What must be there before pods can run."""

    def __init__(self, name: str, args: KindClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:KindCluster", name, {"image": args.image}, opts)
        environment = {"CLUSTER": args.name, "IMAGE": args.image}
        made = local.Command(
            name,
            create=_CREATE,
            update=_NEVER,
            delete=_DELETE,
            environment=environment,
            stdin=json.dumps(config(args.pools), sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        read = local.Command(
            f"{name}-kubeconfig",
            create=_READ,
            environment={"CLUSTER": args.name},
            triggers=[made.id],
            logging=local.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[made], additional_secret_outputs=["stdout"]),
        )
        self.groups = {}
        self.ready = [made]
        self.kubeconfig = pulumi.Output.secret(read.stdout)
        self.register_outputs({"kubeconfig": self.kubeconfig})


def config(pools: Sequence[NodePool]) -> dict[str, Any]:
    """Give kind's own configuration: https://kind.sigs.k8s.io/docs/user/configuration/."""
    workers = [_worker(pool, zone) for pool in pools for zone in _zones(pool)]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        # Its default, said because everybody who reaches it could try a key.
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": [{"role": "control-plane"}, *workers],
    }


def _zones(pool: NodePool) -> list[str | None]:
    """Spread a pool's nodes over its zones, one after the other."""
    zones: Sequence[str | None] = list(pool.zones) or [None]
    return [zones[index % len(zones)] for index in range(pool.least)]


def _worker(pool: NodePool, zone: str | None) -> dict[str, Any]:
    labels = dict(pool.all_labels)
    if zone is not None:
        labels["topology.kubernetes.io/zone"] = zone
    worker: dict[str, Any] = {"role": "worker", "labels": labels}
    if pool.taints:
        taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in pool.taints]
        join = {
            "kind": "JoinConfiguration",
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "nodeRegistration": {"taints": taints},
        }
        worker["kubeadmConfigPatches"] = [json.dumps(join, sort_keys=True)]
    return worker
