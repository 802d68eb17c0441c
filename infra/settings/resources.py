"""What one pod asks for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.quantity import CpuQuantity, MemoryQuantity
from infra.settings.values import Section

__all__ = ["Resources"]


class Resources(Section):
    """What one pod asks for.

    The limit of memory and of GPUs is the request, so that a pod has what it was promised; CPU has a limit only where
    one is given, since a limit slows a pod down on a node that is idle.
    """

    cpu: CpuQuantity = "500m"
    """Cores. Half of one: enough for a small model in Python, and eight of them fit on the usual node of four cores
    beside what the node itself needs. Kubernetes has no default, and an autoscaler cannot count in percent of nothing.

    Upstream: container `resources.requests.cpu`.
    Example: `cpu: "2"`
    """

    memory: MemoryQuantity = "1Gi"
    """Memory, as request and as limit. 1 GiB holds an interpreter with its libraries (about 300 MiB) and a small model.

    Upstream: container `resources.requests.memory` and `resources.limits.memory`.
    Example: `memory: 4Gi`
    """

    gpu: Annotated[int, Field(ge=0, le=16)] = 0
    """Whole GPUs (`nvidia.com/gpu`), none by default since they cost most. No node type has more than 16.

    Upstream: container `resources.limits["nvidia.com/gpu"]`.
    Example: `gpu: 1`
    """

    cpu_limit: CpuQuantity | None = None
    """The most CPU that a pod may take. None by default: idle cores of a node would be left unused while requests
    wait. Needed where the team's quota has `limits.cpu`.

    Upstream: container `resources.limits.cpu`.
    Example: `cpuLimit: "4"`
    """
