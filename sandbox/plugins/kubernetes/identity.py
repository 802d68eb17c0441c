"""Which object a resource stands for: its type, kind, name, namespace and id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sandbox.plugins.properties import UNKNOWN

__all__ = [
    "Identity",
    "annotation",
    "group_of",
    "identify",
    "is_annotated",
    "is_patch",
    "kind_of_urn",
    "parse_id",
    "urn_name",
    "urn_type",
]


@dataclass(frozen=True)
class Identity:
    """The coordinates of one object; `namespace` is None for kinds that have none."""

    api_version: str
    kind: str
    name: str
    namespace: str | None

    @property
    def id(self) -> str:
        """The official provider's id: `namespace/name`, or `name` where there is no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def what(self) -> str:
        """How a sentence calls it: `Deployment fraud-prod/churn-blue`."""
        return f"{self.kind} {self.id}"

    def within(self, namespace: str | None) -> Identity:
        """Return the same coordinates in another namespace."""
        return replace(self, namespace=namespace)


def identify(obj: dict[str, Any]) -> Identity:
    """Read the coordinates off an object's own fields; those that are unknown come out empty."""
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    api_version = str(obj.get("apiVersion", ""))
    return Identity(
        api_version.removeprefix("core/"),  # how old programs write the group that has no name
        str(obj.get("kind", "")),
        metadata["name"] if isinstance(metadata.get("name"), str) else "",
        metadata["namespace"] if isinstance(metadata.get("namespace"), str) and metadata["namespace"] else None,
    )


def parse_id(identifier: str) -> tuple[str | None, str]:
    """Split an id into namespace, or None, and name."""
    namespace, slash, name = identifier.partition("/")
    return (namespace, name) if slash else (None, identifier)


def urn_type(urn: str) -> str:
    """Return the resource's type token: `kubernetes:apps/v1:Deployment`."""
    return urn.split("::")[2].rpartition("$")[2]


def urn_name(urn: str) -> str:
    """Return the resource's name in the program."""
    return "::".join(urn.split("::")[3:])


def kind_of_urn(urn: str) -> tuple[str, str]:
    """Return apiVersion and kind that a type token stands for."""
    _, api_version, kind = urn_type(urn).split(":", 2)
    return api_version.removeprefix("core/"), kind


def is_patch(urn: str, kind: str) -> bool:
    """Tell whether the resource owns only some fields of an object (`DeploymentPatch`), not the object."""
    name = urn_type(urn).rpartition(":")[2]
    return name.endswith("Patch") and name != kind


def group_of(api_version: str) -> str:
    """Return the API group, the empty text for the core group."""
    return api_version.rpartition("/")[0].removesuffix("core")


def annotation(obj: dict[str, Any], name: str) -> str:
    """Return an annotation's value, the empty text when it is absent or unknown."""
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = annotations.get(name, "") if isinstance(annotations, dict) else ""
    return "" if value is UNKNOWN else str(value)


def is_annotated(obj: dict[str, Any], name: str) -> bool:
    """Tell whether an annotation says `true`."""
    return annotation(obj, name) == "true"
