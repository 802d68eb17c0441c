"""Where pods are described: in which kinds, under which paths, and which containers they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from policies.rules.rule import Finding, Manifest
from policies.rules.unknown import UNKNOWN, items, look
from policies.rules.workload_kinds import POD_KINDS, SERVING_KINDS, templates

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "POD_KINDS",
    "SERVING_KINDS",
    "Container",
    "Place",
    "PodSpec",
    "containers",
    "containers_of",
    "only_holds_room",
    "pod_specs",
]

_MEANS = ("ports", "volumeMounts", "volumeDevices", "env", "envFrom", "command", "args", "lifecycle")

ContainerKind = Literal["containers", "initContainers", "ephemeralContainers"]
_CONTAINER_KINDS: tuple[ContainerKind, ...] = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something that stands in an object, and where."""

    path: str
    values: Any

    def at(self, *keys: str) -> Place:
        """Return what stands under these keys."""
        return Place(path=".".join((self.path, *keys)), values=look(self.values, *keys))

    def finding(self, found: str) -> Finding:
        """Report this place."""
        return Finding(path=self.path, found=found)

    def unknown(self, *keys: str) -> Finding:
        """Report that a value under this place is not known before the `up`."""
        return Finding(path=".".join((self.path, *keys)), found="not known in a preview", unknown=True)


@dataclass(frozen=True, kw_only=True)
class PodSpec(Place):
    """A pod's specification, and the metadata that stand beside it."""

    metadata: Any = None


@dataclass(frozen=True, kw_only=True)
class Container(Place):
    """A container of a pod."""

    kind: ContainerKind


def pod_specs(manifest: Manifest) -> Iterator[PodSpec]:
    """Find the pod specifications of an object that describes pods; one may be UNKNOWN, or None where it is missing."""
    for path, values, inline in templates(manifest):
        if inline:
            yield PodSpec(path=path, values=values)
        else:
            inner = f"{path}.spec" if path else "spec"
            yield PodSpec(path=inner, values=look(values, "spec"), metadata=look(values, "metadata"))


def only_holds_room(manifest: Manifest) -> bool:
    """Tell whether pods do nothing but keep room for others: nobody asks them anything, and nobody misses one.

    They bear a class of priority named `headroom-...`, and have nothing by which they could do more: one container with
    no port, volume, variable or command of its own, and no token.
    """
    specs = list(pod_specs(manifest))
    return bool(specs) and all(_only_holds_room(spec) for spec in specs)


def _only_holds_room(spec: PodSpec) -> bool:
    found = list(containers_of(spec))
    return (
        str(look(spec.values, "priorityClassName")).startswith("headroom-")
        and look(spec.values, "automountServiceAccountToken") is False
        and len(found) == 1
        and all(look(one.values, key) is None for one in found for key in _MEANS)
    )


def containers(manifest: Manifest, *kinds: ContainerKind) -> Iterator[Container]:
    """Find the containers of these kinds, all three by default. An unknown list yields one UNKNOWN container."""
    for spec in pod_specs(manifest):
        yield from containers_of(spec, *kinds)


def containers_of(spec: PodSpec, *kinds: ContainerKind) -> Iterator[Container]:
    """Find the containers of one pod specification."""
    if spec.values is UNKNOWN:
        yield Container(path=spec.path, kind="containers", values=UNKNOWN)
        return
    for kind in kinds or _CONTAINER_KINDS:
        for index, values in enumerate(items(look(spec.values, kind))):
            name = look(values, "name")
            called = f"[{index}]" if name is None or name is UNKNOWN else f'["{name}"]'
            yield Container(path=f"{spec.path}.{kind}{called}", kind=kind, values=values)
