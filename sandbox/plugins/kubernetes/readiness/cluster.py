"""What the waiting code asks of a cluster, and how it reads an object's fields."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Cluster", "Object", "api_group", "condition", "count", "dig", "name_of"]

Object = dict[str, Any]
"""A Kubernetes object as the API server's JSON gives it."""


class Cluster(Protocol):
    """The two reads that waiting needs; the provider's client offers them.

    Narrow on purpose: a rule that can only read cannot change what it waits for.
    """

    def get(self, api_version: str, kind: str, name: str, namespace: str | None) -> Object | None:
        """Return one object, or None when there is no such object."""
        ...

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Object]:
        """Return the objects that match; an empty list when none do."""
        ...


def dig(value: Any, *path: str, default: Any = None) -> Any:
    """Return the field at `path`, or `default` where any step of it is missing or null.

    Status fields are absent until a controller writes them, so absence is the usual case and no error.
    """
    for key in path:
        if not isinstance(value, dict) or value.get(key) is None:
            return default
        value = value[key]
    return value


def count(obj: Object, *path: str, default: int = 0) -> int:
    """Return a whole number such as `status.readyReplicas`; Kubernetes leaves out those that are zero."""
    return int(dig(obj, *path, default=default))


def condition(obj: Object, kind: str) -> Object:
    """Return the entry of `status.conditions` of this type, or an empty mapping when there is none yet."""
    for entry in dig(obj, "status", "conditions", default=[]):
        if entry.get("type") == kind:
            return dict(entry)
    return {}


def api_group(obj: Object) -> str:
    """Return the group of the object's apiVersion: `apps` for `apps/v1`, the empty text for `v1`."""
    group, slash, _ = str(obj.get("apiVersion", "")).partition("/")
    return group if slash else ""


def name_of(obj: Object) -> str:
    """Return how a sentence calls the object: `Deployment iris-blue`."""
    return f"{obj.get('kind', 'object')} {dig(obj, 'metadata', 'name', default='?')}"
