"""From a resource of Pulumi's to the Kubernetes objects that it stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policies.rules.rule import Finding, Manifest

__all__ = ["Object", "kind_of", "objects"]

_TYPE_PREFIX = "kubernetes:"


@dataclass(frozen=True, kw_only=True, eq=False)
class Object:
    """One Kubernetes object."""

    manifest: Manifest
    partial: bool
    """It comes from a `*Patch` resource and says only what is changed."""
    path: str = ""
    """Where it stands in the resource, for the items of a list."""

    @cached_property
    def kind(self) -> str:
        """Its kind."""
        return str(self.manifest.get("kind"))

    @cached_property
    def name(self) -> str:
        """Its name; one that is generated or not known yet is told as `?`."""
        return _text(look(self.manifest, "metadata", "name")) or "?"

    @cached_property
    def namespace(self) -> str:
        """Its namespace; nothing where it names none."""
        return _text(look(self.manifest, "metadata", "namespace"))

    @cached_property
    def group(self) -> str:
        """The API group, nothing for the core group."""
        return _text(self.manifest.get("apiVersion")).rpartition("/")[0]

    @cached_property
    def labels(self) -> Mapping[str, Any]:
        """Its own labels."""
        held = look(self.manifest, "metadata", "labels")
        return held if isinstance(held, dict) else {}

    @cached_property
    def title(self) -> str:
        """What an exemption names: `Deployment fraud-prod/churn`, `Namespace fraud-prod`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def placed(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """Put the object's own place in front of findings."""
        for finding in found:
            yield replace(finding, path=f"{self.path}.{finding.path}") if self.path else finding


def _text(value: Any) -> str:
    return "" if value is None or value is UNKNOWN else str(value)


def kind_of(resource_type: str) -> str | None:
    """Return the kind in a type token (`kubernetes:apps/v1:Deployment`), None for another provider's resource."""
    return resource_type.rpartition(":")[2] if resource_type.startswith(_TYPE_PREFIX) else None


def objects(resource_type: str, properties: Manifest) -> Iterator[Object]:
    """Find the objects of a resource: itself, or the items of a list, lists in lists included."""
    kind = kind_of(resource_type)
    if kind is None:
        return
    partial = kind.endswith("Patch")
    yield from _objects(properties, kind.removesuffix("Patch"), partial=partial, path="")


def _objects(manifest: Manifest, kind: str, *, partial: bool, path: str) -> Iterator[Object]:
    own = manifest.get("kind")
    # The type token is right where an object of a typed list leaves its kind out, or a preview does not know it.
    kind = own if isinstance(own, str) else kind
    if not kind.endswith("List"):
        yield Object(manifest={**manifest, "kind": kind}, partial=partial, path=path)
        return
    for index, item in enumerate(items(look(manifest, "items"))):
        if isinstance(item, dict):
            inner = f"{path}.items[{index}]" if path else f"items[{index}]"
            yield from _objects(item, kind.removesuffix("List"), partial=partial, path=inner)
