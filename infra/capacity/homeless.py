"""Pods for which no node would do, however many there were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.labels import NODE_POOL
from infra.capacity.amounts import shown
from infra.capacity.lacks import Lack, fits, nearest
from infra.settings import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from infra.capacity.models import ModelPods
    from infra.capacity.nodes import NodeGroup
    from infra.capacity.pods import PodKind
    from infra.settings import Model
    from infra.settings.errors import KeyPath

__all__ = ["Homeless", "homeless"]

# A resource's key in the settings.
_KEYS = {"cpu": "cpu", "memory": "memory", "nvidia.com/gpu": "gpu"}


@dataclass(frozen=True, kw_only=True)
class Homeless:
    """A version whose pods fit no node of any pool, and the pool that lacks least."""

    model: str
    version: str
    pod: PodKind
    pool: str
    zone: str | None
    lacks: Sequence[Lack]
    path: KeyPath
    """Where the settings say what is too much, or wrong."""

    @property
    def mistake(self) -> Mistake:
        """What to mend."""
        asks = ", ".join(f"{resource} {shown(resource, number)}" for resource, number in self.pod.requests)
        missing = "; ".join(lack.text for lack in self.lacks)
        where = self.pool if self.zone is None else f"{self.pool} in {self.zone}"
        return Mistake(
            path=self.path,
            message=f"a pod of version {self.version} ({asks}) fits no node of any pool; nearest is {where}: {missing}",
        )


def homeless(models: Iterable[ModelPods], groups: Sequence[NodeGroup]) -> Iterator[Homeless]:
    """Go through the versions in place whose pods fit no node."""
    for model in models:
        told = set()
        for place, version in model.versions.items():
            pod = model.kinds[place]
            if version in told or any(fits(pod, group) for group in groups):
                continue
            told.add(version)
            group, lacks = nearest(pod, groups)
            yield Homeless(
                model=model.name,
                version=version,
                pod=pod,
                pool=group.pool,
                zone=group.zone,
                lacks=lacks,
                path=_path(model, version, lacks),
            )


def _path(model: ModelPods, version: str, lacks: Sequence[Lack]) -> KeyPath:
    """Return where the first thing that is lacking was asked for."""
    path: KeyPath = ("models", model.name)
    lack = lacks[0]
    if lack.kind == "taint":
        return (*path, "placement")
    if lack.kind == "selector":
        return (*path, "placement", *(["nodePool"] if lack.key == NODE_POOL else ["nodeSelector", lack.key]))
    key = _KEYS.get(lack.key)
    if key is None:
        return path
    return (*path, *(["versions", version] if _own(model.model, version, key) else []), "resources", key)


def _own(model: Model, version: str, key: str) -> bool:
    """Tell whether a version asks for a resource itself, beside what its model asks for."""
    return key in model.versions[version].resources.model_fields_set
