"""A pool of nodes as the clouds need to know it, so that they differ in their own words alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.labels import NODE_POOL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NVIDIA", "NodePool", "Taint"]

NVIDIA = "nvidia.com/gpu"
"""The resource by which NVIDIA's device plugin offers GPUs."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """What keeps pods off a node that do not tolerate it."""

    key: str
    value: str
    """Empty for none."""
    effect: str
    """In Kubernetes' own words: NoSchedule, PreferNoSchedule, NoExecute."""

    @classmethod
    def parse(cls, text: str) -> Taint:
        """Read a taint as `kubectl taint` takes it: `key=value:effect` or `key:effect`."""
        pair, _, effect = text.rpartition(":")
        key, _, value = pair.partition("=")
        return cls(key=key, value=value, effect=effect)

    @property
    def screaming(self) -> str:
        """The effect as the APIs of AWS and Google Cloud write it."""
        words = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
        return words[self.effect]

    @property
    def text(self) -> str:
        """The taint as `kubectl taint` and AKS write it."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"

    @property
    def toleration(self) -> dict[str, str]:
        """What a pod says that it does not keep away."""
        found = {"key": self.key, "effect": self.effect, "operator": "Exists"}
        return {**found, "operator": "Equal", "value": self.value} if self.value else found


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Nodes that a cloud makes alike. Sizes in nodes, `disk` in GiB, None for the cloud's own default."""

    name: str
    instance: str
    least: int
    most: int
    pods: int = 110
    architecture: str = "amd64"
    accelerators: Mapping[str, int] = field(default_factory=dict)
    device: str | None = None
    """What Google Cloud calls the accelerator."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Taint] = ()
    zones: Sequence[str] = ()
    spot: bool = False
    disk: int | None = None
    surge: int = 1

    @property
    def all_labels(self) -> Mapping[str, str]:
        """Further labels, and the one by which models find the pool."""
        return {**self.labels, NODE_POOL: self.name}
