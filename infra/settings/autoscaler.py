"""Who brings nodes and takes them away, with upstream's own settings, ranges and defaults.

Each key below `flags` is the flag of that name, in camelCase.
Source: kubernetes/autoscaler, cluster-autoscaler/config/flags/flags.go and config/const.go, commit 01ea19e5.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.duration import duration
from infra.settings.image import ImageReference
from infra.settings.karpenter import Karpenter
from infra.settings.node_pool import LabelKey
from infra.settings.values import FrozenMap, Name, Section, empty

__all__ = ["Autoscaler", "AutoscalerFlags"]

_Expander = Literal["random", "most-pods", "least-waste", "least-nodes", "price", "priority"]
_Owner = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,62}$")]
_Share = Annotated[float, Field(ge=0, le=1, strict=False)]


class AutoscalerFlags(Section):
    """How the Cluster Autoscaler decides. What is not said is upstream's default, but where the reason is given."""

    scan_interval: Annotated[int, duration("1s", "1h")] = 10
    """How often it looks whether nodes are missing or idle.

    Upstream: `--scan-interval`.
    Example: `scanInterval: 30s`
    """

    max_nodes_total: Annotated[int, Field(ge=0, le=5000)] = 0
    """The most nodes in all pools together; 0 leaves it to each pool's `max`.

    Upstream: `--max-nodes-total`.
    Example: `maxNodesTotal: 50`
    """

    max_node_provision_time: Annotated[int, duration("1m", "1h")] = 900
    """How long it waits for a node before it tries another pool. Longer than any pool's `provisioning`.

    Upstream: `--max-node-provision-time`.
    Example: `maxNodeProvisionTime: 20m`
    """

    new_pod_scale_up_delay: Annotated[int, duration("0s", "1h")] = 0
    """How old a pod must be before it brings a node.

    Upstream: `--new-pod-scale-up-delay`.
    Example: `newPodScaleUpDelay: 10s`
    """

    expander: Annotated[tuple[_Expander, ...], Field(strict=False, min_length=1)] = ("least-waste",)
    """Which pool grows where several would do; one after the other until one is left. `priority` needs `priorities`.

    Upstream: `--expander`.
    Example: `expander: [priority, least-waste]`
    """

    balance_similar_node_groups: bool = False
    """Keep pools that are alike but for their zone at the same size.

    Upstream: `--balance-similar-node-groups`.
    Example: `balanceSimilarNodeGroups: true`
    """

    expendable_pods_priority_cutoff: Annotated[int, Field(ge=-(2**31), le=10**9)] = -10
    """Pods of a lower priority bring no node and hold none.

    Upstream: `--expendable-pods-priority-cutoff`.
    Example: `expendablePodsPriorityCutoff: -100`
    """

    scale_down_enabled: bool = True
    """Whether idle nodes go at all.

    Upstream: `--scale-down-enabled`.
    Example: `scaleDownEnabled: false`
    """

    scale_down_unneeded_time: Annotated[int, duration("0s", "7d")] = 600
    """How long a node must be idle before it goes.

    Upstream: `--scale-down-unneeded-time`.
    Example: `scaleDownUnneededTime: 20m`
    """

    scale_down_unready_time: Annotated[int, duration("0s", "7d")] = 1200
    """How long a node that is not ready must be so before it goes.

    Upstream: `--scale-down-unready-time`.
    Example: `scaleDownUnreadyTime: 30m`
    """

    scale_down_delay_after_add: Annotated[int, duration("0s", "7d")] = 600
    """How long no node goes after one has come.

    Upstream: `--scale-down-delay-after-add`.
    Example: `scaleDownDelayAfterAdd: 15m`
    """

    scale_down_delay_after_delete: Annotated[int, duration("0s", "7d")] = 0
    """How long no node goes after one has gone.

    Upstream: `--scale-down-delay-after-delete`.
    Example: `scaleDownDelayAfterDelete: 10s`
    """

    scale_down_delay_after_failure: Annotated[int, duration("0s", "7d")] = 180
    """How long no node goes after one could not be taken away.

    Upstream: `--scale-down-delay-after-failure`.
    Example: `scaleDownDelayAfterFailure: 5m`
    """

    scale_down_utilization_threshold: _Share = 0.5
    """Below which share of its CPU and memory being asked for a node counts as idle.

    Upstream: `--scale-down-utilization-threshold`.
    Example: `scaleDownUtilizationThreshold: 0.6`
    """

    scale_down_gpu_utilization_threshold: _Share = 0.5
    """The same for nodes with GPUs, of which only those are counted.

    Upstream: `--scale-down-gpu-utilization-threshold`.
    Example: `scaleDownGpuUtilizationThreshold: 0.3`
    """

    max_graceful_termination_sec: Annotated[int, duration("0s", "1d")] = 600
    """How long a pod on a node that goes may take to end. Longer than any model's `drain`.

    Upstream: `--max-graceful-termination-sec`.
    Example: `maxGracefulTerminationSec: 15m`
    """

    skip_nodes_with_local_storage: bool = False
    """Whether nodes stay whose pods have an emptyDir. Upstream's default is true; here every model's pod has one, for
    its temporary files, so that no node with a model on it would ever go.

    Upstream: `--skip-nodes-with-local-storage`.
    Example: `skipNodesWithLocalStorage: true`
    """

    skip_nodes_with_system_pods: bool = True
    """Whether nodes stay that have pods of kube-system other than daemon sets'.

    Upstream: `--skip-nodes-with-system-pods`.
    Example: `skipNodesWithSystemPods: false`
    """

    cordon_node_before_terminating: bool = True
    """Whether a node that goes is closed to new pods first.

    Upstream: `--cordon-node-before-terminating`.
    Example: `cordonNodeBeforeTerminating: false`
    """


class Autoscaler(Section):
    """Who brings nodes and takes them away."""

    kind: Literal["cluster-autoscaler", "karpenter", "none"] = "cluster-autoscaler"
    """`cluster-autoscaler` and `karpenter`: upstream's, declared here. `none`: nodes are as many as their pools have,
    or somebody else sees to them. The first by default, since it runs on every cloud and on machines of one's own.

    Upstream: the Kubernetes project's autoscalers.
    Example: `kind: none`
    """

    cloud: Literal["aws", "azure", "clusterapi", "gce"] | None = None
    """Where the nodes come from. Needed for `cluster-autoscaler` on a cluster that exists, where it could not guess it.

    Upstream: `--cloud-provider`.
    Example: `cloud: aws`
    """

    image: ImageReference | None = None
    """The autoscaler's image, by digest. Needed, unless `kind` is `none` or the cloud runs it itself (gke, aks). A
    Cluster Autoscaler's minor version is to be the cluster's; a Karpenter's is its cloud's own build.

    Upstream: Deployment container `image`.
    Example: `image: mirror/cluster-autoscaler@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081`
    """

    namespace: Name = "kube-system"
    """Where it runs. Upstream's default, where pods may have the priority of what a cluster cannot do without.

    Upstream: `--namespace`.
    Example: `namespace: kube-system`
    """

    identity: FrozenMap[LabelKey, str] = Field(default_factory=empty)
    """Annotations of its ServiceAccount, by which a cloud knows it. None by default: a node's own identity serves too,
    and every pod of the node has it.

    Upstream: IAM Roles for Service Accounts, Workload Identity.
    Example: `identity: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/autoscaler"}`
    """

    priorities: FrozenMap[Annotated[int, Field(ge=0, le=10**9)], Annotated[tuple[str, ...], Field(strict=False)]] = (
        Field(default_factory=empty)
    )
    """For the expander `priority`: regular expressions of groups' names by their priority, the largest first. None by
    default.

    Upstream: ConfigMap `cluster-autoscaler-priority-expander`.
    Example: `priorities: {10: [".*spot.*"], 1: [".*"]}`
    """

    flags: AutoscalerFlags = AutoscalerFlags()
    """How the Cluster Autoscaler decides: which pool grows, and when nodes go."""

    spare: Annotated[tuple[_Owner, ...], Field(strict=False)] = ("Job", "StatefulSet")
    """Whose pods no autoscaler moves to empty a node, by the kind of what made them, in the teams' namespaces: what
    trains would begin again, and what has a state would look for it. The API server marks them (Kubernetes 1.36, or
    set this to `[]`); a mark in the pod's own manifest stays.

    Upstream: annotations `cluster-autoscaler.kubernetes.io/safe-to-evict`, `karpenter.sh/do-not-disrupt`.
    Example: `spare: [Job, StatefulSet, PyTorchJob]`
    """

    karpenter: Karpenter | None = None
    """How Karpenter decides. Needed for `karpenter`, and nothing for another.

    Upstream: Karpenter's NodePool.
    """
