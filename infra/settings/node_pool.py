"""Pools of nodes: one model for every kind of cluster, so that on-premises and cloud differ in values only."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from infra.settings.checked import Matching
from infra.settings.duration import duration
from infra.settings.errors import did_you_mean, quote
from infra.settings.quantity import CpuQuantity, MemoryQuantity, Quantity
from infra.settings.values import FrozenMap, Section, empty

__all__ = ["Allocatable", "LabelKey", "LabelValue", "NodePool", "Overhead", "TaintText"]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KEY = re.compile(rf"({_PREFIX}/)?{_PART}")
_VALUE = re.compile(rf"({_PART})?")
_EXTENDED = re.compile(rf"{_PREFIX}\.[a-z]+/{_PART}")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TAINT = re.compile(rf"({_PREFIX}/)?{_PART}(={_PART})?:({'|'.join(_EFFECTS)})")


def _label_key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(f"bad label {quote(text)}; allowed: <name> or <dns prefix>/<name>, such as example.com/tier")
    return text


def _label_value(text: str) -> str:
    if not _VALUE.fullmatch(text):
        raise ValueError(
            f"bad label value {quote(text)}; allowed: at most 63 letters, digits, '-', '_' and '.', beginning and"
            " ending with a letter or digit"
        )
    return text


def _accelerator(text: str) -> str:
    if not _EXTENDED.fullmatch(text):
        hint = did_you_mean(text, ["nvidia.com/gpu", "amd.com/gpu"])
        raise ValueError(f"bad accelerator {quote(text)}; allowed: <domain>/<resource>, such as nvidia.com/gpu{hint}")
    return text


def _taint(text: str) -> str:
    if not _TAINT.fullmatch(text):
        effect = text.rpartition(":")[2]
        hint = "" if effect in _EFFECTS else did_you_mean(effect, _EFFECTS)
        raise ValueError(
            f"bad taint {quote(text)}; allowed: <key>[=<value>]:<effect>, the effect one of {', '.join(_EFFECTS)}{hint}"
        )
    return text


LabelKey = Annotated[str, Matching(_label_key, words="label's key", pattern=_KEY.pattern)]
LabelValue = Annotated[str, Matching(_label_value, words="label's value", pattern=_VALUE.pattern)]
Accelerator = Annotated[str, Matching(_accelerator, words="extended resource", pattern=_EXTENDED.pattern)]
TaintText = Annotated[str, Matching(_taint, words="`<key>[=<value>]:<effect>`", pattern=_TAINT.pattern)]


class Allocatable(Section):
    """What one node offers to pods: its size without what the kubelet keeps for itself and the system."""

    cpu: CpuQuantity
    """Cores that pods may ask for. No default: a provider's node of four cores offers between 3.6 and 3.95 of them.

    Upstream: Node `status.allocatable.cpu` (`kubectl describe node`).
    Example: `cpu: 3920m`
    """

    memory: MemoryQuantity
    """Memory that pods may ask for. No default, since what the system keeps differs by a quarter between providers.

    Upstream: Node `status.allocatable.memory`.
    Example: `memory: 14.5Gi`
    """

    pods: Annotated[int, Field(ge=1, le=1000)] = 110
    """How many pods a node takes. 110 is the kubelet's own default; clouds whose pods have addresses of the network
    allow fewer on small nodes.

    Upstream: kubelet `maxPods`.
    Example: `pods: 58`
    """


class Overhead(Section):
    """What the pods that stand on every node ask for together: daemon sets of network, storage, logs, metrics."""

    cpu: CpuQuantity | None = None
    """Cores, the sum of their requests. None by default: a bare kubelet runs no such pod.

    Upstream: `kubectl describe node`, the rows of pods that a DaemonSet owns.
    Example: `cpu: 300m`
    """

    memory: MemoryQuantity | None = None
    """Memory, the sum of their requests. None by default, as for `cpu`.

    Example: `memory: 400Mi`
    """

    pods: Annotated[int, Field(ge=0, le=100)] = 0
    """How many they are. None by default, as for `cpu`.

    Example: `pods: 5`
    """


class NodePool(Section):
    """Nodes of one kind, of which there may be more or fewer."""

    allocatable: Allocatable
    """What one node offers to pods."""

    overhead: Overhead = Overhead()
    """What is taken of it on every node before the first model comes."""

    min: Annotated[int, Field(ge=0, le=5000)] = 0
    """The fewest nodes there are. None by default: nodes that nobody needs cost money. 5000 is the most that
    Kubernetes supports in a cluster.

    Upstream: Cluster Autoscaler `--nodes=<min>:<max>:<group>`.
    Example: `min: 2`
    """

    max: Annotated[int, Field(ge=1, le=5000)]
    """The most nodes there may be: what the capacity proof counts with. Required, since it is a bound of the bill.

    Upstream: Cluster Autoscaler `--nodes=<min>:<max>:<group>`; Karpenter NodePool `limits`.
    Example: `max: 10`
    """

    instance: Annotated[str, Field(min_length=1)] | None = None
    """The provider's name for such a machine, which its nodes bear as a label. None by default: machines of one's own
    have none.

    Upstream: label `node.kubernetes.io/instance-type`.
    Example: `instance: m6i.xlarge`
    """

    group: Annotated[str, Field(min_length=1)] | None = None
    """What the cloud calls the pool's nodes together: an Auto Scaling group, a managed instance group, a scale set.

    Default: the pool's own name.
    Upstream: Cluster Autoscaler `--nodes=<min>:<max>:<group>`.
    Example: `group: prod-general-20261101`
    """

    architecture: Literal["amd64", "arm64"] = "amd64"
    """The processor's. amd64 by default, for which most images are built.

    Upstream: label `kubernetes.io/arch`.
    Example: `architecture: arm64`
    """

    accelerators: FrozenMap[Accelerator, Annotated[int, Field(ge=1, le=16)]] = Field(default_factory=empty)
    """Devices of one node, by the name under which a device plugin offers them. None by default.

    Upstream: Node `status.allocatable["nvidia.com/gpu"]`.
    Example: `accelerators: {nvidia.com/gpu: 1}`
    """

    labels: FrozenMap[LabelKey, LabelValue] = Field(default_factory=empty)
    """Further labels of the nodes, which a model's `placement.nodeSelector` may ask for. Every node has
    `ml-platform/node-pool`, the pool's name, without being told.

    Upstream: Node `metadata.labels`.
    Example: `labels: {example.com/disk: nvme}`
    """

    taints: Annotated[tuple[TaintText, ...], Field(strict=False)] = ()
    """What keeps pods off that do not tolerate it. None by default. Pods with GPUs tolerate `nvidia.com/gpu`, those
    with `placement.nodePool` tolerate `ml-platform/node-pool`; others are tolerated by `placement.tolerations`.

    Upstream: Node `spec.taints`, written as for `kubectl taint`.
    Example: `taints: ["nvidia.com/gpu=present:NoSchedule"]`
    """

    zones: Annotated[tuple[LabelValue, ...], Field(strict=False)] = ()
    """The zones over which the nodes are spread evenly; where their number is no multiple, the first get one more.
    None by default: a single rack has none.

    Upstream: label `topology.kubernetes.io/zone`.
    Example: `zones: [eu-central-1a, eu-central-1b]`
    """

    spot: bool = False
    """Whether nodes may be taken away at short notice, for a lower price. Not by default: a switch that waits for a
    node would wait in vain.

    Upstream: AWS Spot, Google Cloud Spot, Azure Spot.
    Example: `spot: true`
    """

    disk: Quantity | None = None
    """A node's own disk, which holds images and temporary files. The provider's default where it is not given.

    Upstream: Node `status.capacity.ephemeral-storage`.
    Example: `disk: 100Gi`
    """

    device: Annotated[str, Field(min_length=1)] | None = None
    """The cloud's name of the pool's accelerator. Needed on `gke` for pools with accelerators, where a machine is
    ordered without and its devices beside it. None by default: elsewhere the instance says which it has.

    Upstream: label `cloud.google.com/gke-accelerator`.
    Example: `device: nvidia-l4`
    """

    surge: Annotated[int, Field(ge=1, le=100)] = 1
    """How many nodes of the pool are replaced at once when its version changes. One, as upstream: further nodes come
    before old ones go, and each costs money meanwhile.

    Upstream: EKS `updateConfig.maxUnavailable`, GKE and AKS `upgradeSettings.maxSurge`.
    Example: `surge: 3`
    """

    provisioning: Annotated[int, duration("0s", "1h")] = 300
    """How long a further node takes until it is ready. Five minutes: machines of the large clouds take two to four,
    and drivers for GPUs one more. The autoscaler itself gives up after 15.

    Upstream: Cluster Autoscaler `--max-node-provision-time`.
    Example: `provisioning: 8m`
    """

    price: Annotated[float, Field(ge=0, strict=False)] | None = None
    """What a node costs an hour, in whatever currency: only compared, and shown. None by default, which leaves the
    bill out of the table.

    Upstream: Cluster Autoscaler `--expander=price`.
    Example: `price: 0.192`
    """

    def zone_counts(self, nodes: int) -> dict[str | None, int]:
        """Return how many of so many nodes stand in each zone; None is the one of a pool without zones."""
        if not self.zones:
            return {None: nodes}
        each, more = divmod(nodes, len(self.zones))
        return {zone: each + (index < more) for index, zone in enumerate(self.zones)}
