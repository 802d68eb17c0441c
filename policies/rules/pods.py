"""Where pods are described: in which kinds, under which paths, and which containers they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from policies.rules.rule import Finding, Manifest
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["POD_KINDS", "SERVING_KINDS", "Container", "PodSpec", "containers", "pod_specs"]

_TEMPLATE = ("spec", "template", "spec")

_PATHS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
}

POD_KINDS = frozenset(_PATHS)

SERVING_KINDS = POD_KINDS - {"Job", "CronJob", "PodTemplate"}
"""Kinds whose pods are meant to run on."""

ContainerKind = Literal["containers", "initContainers", "ephemeralContainers"]
_CONTAINER_KINDS: tuple[ContainerKind, ...] = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, kw_only=True)
class PodSpec:
    """A pod's specification and where it stands in its object."""

    path: str
    values: Any


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container and where it stands in its object."""

    path: str
    kind: ContainerKind
    values: Any

    def finding(self, found: str) -> Finding:
        """Report this container."""
        return Finding(path=self.path, found=found)

    def unknown(self, *keys: str) -> Finding:
        """Report that a value under this container is not known before the `up`."""
        return Finding(path=".".join((self.path, *keys)), found="not known in a preview", unknown=True)


def pod_specs(manifest: Manifest) -> Iterator[PodSpec]:
    """Find the pod specification of an object that describes pods; it may be UNKNOWN, or None where it is missing."""
    path = _PATHS.get(str(manifest.get("kind")))
    if path is not None:
        yield PodSpec(path=".".join(path), values=look(manifest, *path))


def containers(manifest: Manifest, *kinds: ContainerKind) -> Iterator[Container]:
    """Find the containers of these kinds, all three by default. An unknown list yields one UNKNOWN container."""
    for spec in pod_specs(manifest):
        if spec.values is UNKNOWN:
            yield Container(path=spec.path, kind="containers", values=UNKNOWN)
            continue
        for kind in kinds or _CONTAINER_KINDS:
            for index, values in enumerate(items(look(spec.values, kind))):
                name = look(values, "name")
                called = f"[{index}]" if name is None or name is UNKNOWN else f'["{name}"]'
                yield Container(path=f"{spec.path}.{kind}{called}", kind=kind, values=values)
