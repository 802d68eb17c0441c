"""What an API server is and what it serves: its version, and the groups of its API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.observed.api import ApiServer

__all__ = ["Served", "read_served"]


@dataclass(frozen=True, kw_only=True)
class Served:
    """An API server's minor version, such as 1.36, and the group versions that it knows, such as apps/v1."""

    version: str
    groups: frozenset[str]


def read_served(server: ApiServer) -> Served:
    """Ask for version and discovery, which every authenticated user may. Raises ApiError or UnreachableError."""
    said = server.get("/version")
    # Clouds put a plus behind the minor version for what they have added.
    version = f"{said['major']}.{str(said['minor']).rstrip('+')}"
    groups = server.get("/apis").get("groups") or ()
    return Served(
        version=version,
        groups=frozenset(one["groupVersion"] for group in groups for one in group.get("versions") or ()),
    )
