"""What is installed in a project's environment: which providers it needs, which packages it has."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Installed", "RequiredProvider", "installed", "required_providers"]

_MARKER = "pulumi-plugin.json"
_REQUIREMENT_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class RequiredProvider:
    """A provider plugin that an installed SDK package talks to."""

    name: str
    version: str
    server: str = ""
    parameterization: Parameterization | None = None


@dataclass(frozen=True, kw_only=True)
class Parameterization:
    """How a general provider becomes the one for this package, such as any Terraform provider."""

    name: str
    version: str
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One installed distribution."""

    name: str
    version: str


def required_providers(site_packages: Sequence[str]) -> list[RequiredProvider]:
    """Return the providers named by the installed packages, each with the version its SDK was made for.

    `import` and default providers are recorded with these versions. Every SDK package carries its answer
    in pulumi-plugin.json, at its top or one namespace below.
    """
    found = {}
    for directory in map(Path, site_packages):
        for marker in sorted([*directory.glob(f"*/{_MARKER}"), *directory.glob(f"*/*/{_MARKER}")]):
            provider = _read(marker)
            if provider is not None:
                found[provider.name, provider.version] = provider
    return [found[key] for key in sorted(found)]


def _read(marker: Path) -> RequiredProvider | None:
    content: dict[str, Any] = json.loads(marker.read_text())
    if not content.get("resource"):
        return None  # a package of components or types only
    special = content.get("parameterization")
    return RequiredProvider(
        name=content.get("name") or marker.parent.name.removeprefix("pulumi_"),
        version=content.get("version") or _version_beside(marker),
        server=content.get("server") or "",
        parameterization=Parameterization(
            name=special["name"], version=special["version"], value=base64.b64decode(special["value"])
        )
        if special
        else None,
    )


def _version_beside(marker: Path) -> str:
    package = _normal(marker.parent.name)
    return next(
        (d.version for d in metadata.distributions(path=[str(marker.parents[1])]) if _normal(d.name) == package), ""
    )


def installed(site_packages: Sequence[str], *, transitive: bool) -> list[Installed]:
    """Return the installed distributions, sorted; without `transitive`, only those that none other requires."""
    distributions = {_normal(d.name): d for d in metadata.distributions(path=list(site_packages))}
    needed = set() if transitive else {name for d in distributions.values() for name in _required_names(d)}
    return [
        Installed(name=distribution.name, version=distribution.version)
        for name, distribution in sorted(distributions.items())
        if name not in needed
    ]


def _required_names(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or []:
        match = _REQUIREMENT_NAME.match(requirement)
        if match and "extra ==" not in requirement:
            yield _normal(match.group())


def _normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
