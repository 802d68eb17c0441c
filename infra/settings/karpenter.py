"""Karpenter, with upstream's own settings, ranges and defaults.

Source: kubernetes-sigs/karpenter, pkg/apis/v1/nodepool.go and pkg/operator/options/options.go, v1.12.0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.duration import duration as lasting
from infra.settings.values import Name, Section

__all__ = ["Budget", "Karpenter"]


_CRON = r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|\S+(\s\S+){4})$"


class NodeClass(Section):
    """What a cloud needs to know of its machines: an object of a kind of its own, made by whoever runs the cloud."""

    group: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    """The API group of the kind.

    Upstream: NodePool `spec.template.spec.nodeClassRef.group`.
    Example: `group: karpenter.k8s.aws`
    """

    kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+NodeClass$")]
    """The kind itself; every cloud's ends in NodeClass.

    Upstream: NodePool `spec.template.spec.nodeClassRef.kind`.
    Example: `kind: EC2NodeClass`
    """

    name: Name = "default"
    """The object's name. `default`, as in upstream's own examples.

    Upstream: NodePool `spec.template.spec.nodeClassRef.name`.
    Example: `name: default`
    """


class Budget(Section):
    """How many nodes of a pool may be going at once."""

    nodes: Annotated[str, Field(pattern=r"^((100|[0-9]{1,2})%|[0-9]+)$")] = "10%"
    """A number, in quotes, or a share of the pool's nodes. Upstream's default.

    Upstream: NodePool `spec.disruption.budgets[].nodes`.
    Example: `nodes: "2"`
    """

    reasons: Annotated[tuple[Literal["Underutilized", "Empty", "Drifted"], ...], Field(strict=False)] = ()
    """For which reasons it counts. All by default.

    Upstream: NodePool `spec.disruption.budgets[].reasons`.
    Example: `reasons: [Drifted]`
    """

    schedule: Annotated[str, Field(pattern=_CRON)] | None = None
    """When it begins to count, as cron has it, in UTC; with `duration`. Always by default.

    Upstream: NodePool `spec.disruption.budgets[].schedule`.
    Example: `schedule: "0 8 * * mon-fri"`
    """

    duration: Annotated[int, lasting("1m", "7d")] | None = None
    """How long it counts from then; with `schedule`. Always by default.

    Upstream: NodePool `spec.disruption.budgets[].duration`.
    Example: `duration: 10h`
    """


class Disruption(Section):
    """When nodes go."""

    consolidation_policy: Literal["WhenEmpty", "WhenEmptyOrUnderutilized"] = "WhenEmptyOrUnderutilized"
    """Whether nodes go only without pods, or also where their pods fit elsewhere or on a cheaper machine.

    Upstream: NodePool `spec.disruption.consolidationPolicy`.
    Example: `consolidationPolicy: WhenEmpty`
    """

    consolidate_after: Annotated[int, lasting("0s", "7d")] | None = 0
    """How long no pod must have come or gone before a node is looked at; null for never, and then nodes go for their
    age and for what has changed alone. Upstream's default.

    Upstream: NodePool `spec.disruption.consolidateAfter`.
    Example: `consolidateAfter: 10m`
    """

    budgets: Annotated[tuple[Budget, ...], Field(strict=False, min_length=1, max_length=50)] = (Budget(),)
    """How many nodes may be going at once; the strictest that counts. One of 10 % by default, as upstream.

    Upstream: NodePool `spec.disruption.budgets`.
    Example: `budgets: [{nodes: "1"}]`
    """


class Karpenter(Section):
    """How Karpenter brings nodes and takes them away. Each pool of `cluster.nodePools` becomes a NodePool."""

    node_class: NodeClass
    """Which machines they are made of. Required: only the cloud's own kind knows of images and networks."""

    disruption: Disruption = Disruption()
    """When nodes go, and how many at once."""

    expire_after: Annotated[int, lasting("1h", "365d")] | None = 2_592_000
    """The age at which a node is replaced, for the sake of its patches; null for never. 720 hours, as upstream.

    Upstream: NodePool `spec.template.spec.expireAfter`.
    Example: `expireAfter: 14d`
    """

    termination_grace_period: Annotated[int, lasting("0s", "30d")] | None = None
    """How long a node that goes waits for its pods, those that must not be moved included; after that they are ended
    all the same. None by default, as upstream: it waits for ever. With it, longer than any model's `drain`.

    Upstream: NodePool `spec.template.spec.terminationGracePeriod`.
    Example: `terminationGracePeriod: 2h`
    """

    batch_idle_duration: Annotated[int, lasting("1s", "1m")] = 1
    """How long no further pod must have come before nodes are ordered for those that wait.

    Upstream: `--batch-idle-duration`.
    Example: `batchIdleDuration: 2s`
    """

    batch_max_duration: Annotated[int, lasting("1s", "10m")] = 10
    """After how long they are ordered all the same.

    Upstream: `--batch-max-duration`.
    Example: `batchMaxDuration: 30s`
    """
