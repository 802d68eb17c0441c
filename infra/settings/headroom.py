"""Room that is kept free, so that what must not wait for a node does not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.image import ImageReference
from infra.settings.quantity import CpuQuantity, MemoryQuantity
from infra.settings.values import FrozenMap, Name, Section

__all__ = ["Headroom", "Room"]


class Room(Section):
    """So many pods of one size, as large as those that must not wait."""

    pods: Annotated[int, Field(ge=1, le=500)]
    """How many of them. What a switch of the largest model adds, for one that waits for no node.

    Upstream: Deployment `spec.replicas`, of a Deployment of `pause`.
    Example: `pods: 4`
    """

    cpu: CpuQuantity
    """Cores of one. No default: as much as one pod of the model asks for.

    Example: `cpu: 500m`
    """

    memory: MemoryQuantity
    """Memory of one. No default, as for `cpu`.

    Example: `memory: 1Gi`
    """

    gpu: Annotated[int, Field(ge=0, le=16)] = 0
    """GPUs (`nvidia.com/gpu`) of one. None by default, since a GPU that nobody uses costs as much as one at work.

    Example: `gpu: 1`
    """


class Headroom(Section):
    """Pods that hold room on the nodes of a pool, and give way to every other pod."""

    image: ImageReference
    """An image that does nothing: Kubernetes' own `pause`, by digest. No default: a digest is chosen by whoever answers
    for it.

    Upstream: `registry.k8s.io/pause`.
    Example: `image: mirror/pause@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081`
    """

    namespace: Name = "kube-system"
    """Where they are: in no team's namespace, whose quota they would take. Beside the autoscaler by default.

    Example: `namespace: headroom`
    """

    pools: Annotated[FrozenMap[Name, Room], Field(min_length=1)]
    """What is kept, by the pool of `cluster.nodePools` on whose nodes it is kept.

    Example: `pools: {general: {pods: 4, cpu: 500m, memory: 1Gi}}`
    """
