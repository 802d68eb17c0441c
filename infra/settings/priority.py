"""Classes of pods: who waits, and who makes room, when a cluster is full."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.values import Section

__all__ = ["PriorityClass"]


class PriorityClass(Section):
    """One class of pods, which name it as `priorityClassName: <name>-<environment>`.

    None is the cluster's default, which would change the pods of everybody else in it.
    """

    value: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
    """The higher, the sooner it runs; pods without a class have 0. What is above 1000000000 is Kubernetes' own.

    Upstream: PriorityClass `value`.
    Example: `value: 1000`
    """

    preemption: Literal["PreemptLowerPriority", "Never"] = "PreemptLowerPriority"
    """Whether pods of lower priority are ended to make room. As upstream, they are; `Never` only goes first in the
    queue.

    Upstream: PriorityClass `preemptionPolicy`.
    Example: `preemption: Never`
    """

    description: str = ""
    """What it is for, told to whoever lists the classes. Nothing by default.

    Upstream: PriorityClass `description`.
    Example: `description: training that may wait`
    """
