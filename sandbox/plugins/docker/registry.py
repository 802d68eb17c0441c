"""Whose credentials a build takes: the program's, the provider's, or the machine's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.plugins.docker.inputs import Image

__all__ = ["Credentials", "credentials", "provider_credentials", "registry_of"]

# What Docker calls its own registry, by whatever name it is asked for.
_DOCKER_HUB = "https://index.docker.io/v1/"
_DOCKER_HUB_NAMES = ("", "docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A name and a password for one registry."""

    server: str
    username: str
    password: str = field(repr=False)

    def as_auth(self) -> dict[str, str]:
        """Return them in the form of Docker's API."""
        return {"username": self.username, "password": self.password, "serveraddress": self.server}


def registry_of(name: str) -> str:
    """Return the registry that an image's name belongs to, as Docker's credential files name it.

    The first part of a name is a registry if it could be a host: it has a dot or a port, or is localhost.
    Source: https://pkg.go.dev/github.com/distribution/reference.
    """
    first, slash, _ = name.partition("/")
    host = first if slash and ("." in first or ":" in first or first == "localhost") else ""
    return _canonical(host)


def _canonical(server: str) -> str:
    if server == _DOCKER_HUB:
        return server
    host = server.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return _DOCKER_HUB if host in _DOCKER_HUB_NAMES else host


def credentials(image: Image, known: Mapping[str, Credentials]) -> Credentials | None:
    """Return the credentials for an image's registry, or None to leave it to the machine's Docker settings.

    Args:
        image: its own `registry` comes first, as in pulumi-docker only when it has both name and password.
        known: the provider's `registryAuth`, by registry.

    """
    server = _canonical(image.server) if image.server else registry_of(image.name)
    if image.username and image.password:
        return Credentials(server=server, username=image.username, password=image.password)
    return known.get(server)


def provider_credentials(setting: Any) -> dict[str, Credentials]:
    """Read the provider's `registryAuth`, a list that arrives as JSON text, by registry."""
    entries = json.loads(setting) if isinstance(setting, str) else setting or []
    return {
        server: Credentials(server=server, username=entry["username"], password=entry["password"])
        for entry in entries
        if entry.get("username") and entry.get("password")
        for server in [_canonical(entry.get("address") or "")]
    }
