"""Where a version's image comes from: a published digest, or a Dockerfile of this repository."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from infra.settings.checked import Matching
from infra.settings.errors import quote
from infra.settings.values import EnvName, FrozenMap, Name, Section, Text, empty

__all__ = ["Build", "ImageReference", "Registry", "RegistryLogin", "full_reference"]

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?"
_REPOSITORY = rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(rf"{_REPOSITORY}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?@sha256:[a-f0-9]{{64}}")
_REGISTRY = re.compile(rf"{_DOMAIN}(?:/{_COMPONENT})*")


def _reference(value: str) -> str:
    if "://" in value:
        raise ValueError(f"bad image {quote(value)}: a reference has no scheme; remove everything up to '//'")
    if "@" not in value:
        raise ValueError(
            f"image {quote(value)} has no digest; a tag can be moved, so that environments would run different"
            " images; allowed: name@sha256:<64 hexadecimal digits>, or build instead of image"
        )
    if not _REFERENCE.fullmatch(value):
        raise ValueError(
            f"bad image {quote(value)}; allowed: name@sha256:<64 hexadecimal digits>, the name in lower case"
        )
    return value


def _registry(value: str) -> str:
    if "://" in value:
        raise ValueError(f"bad registry {quote(value)}: image names have no scheme; remove everything up to '//'")
    if not _REGISTRY.fullmatch(value):
        raise ValueError(f"bad registry {quote(value)}; allowed: host[:port][/path], such as registry.example.com/ml")
    return value


def _inside(value: str) -> str:
    if not value or value.startswith("/") or ".." in value.split("/"):
        raise ValueError(f"bad path {quote(value)}; allowed: a path below the repository's root, such as examples/iris")
    return value


ImageReference = Annotated[
    str, Matching(_reference, words="image by digest, `name@sha256:...`", pattern=_REFERENCE.pattern)
]
"""`name@sha256:...`; relative to the stack's registry unless its first part is a host (has a '.' or ':')."""

Registry = Annotated[str, Matching(_registry, words="host, port, path", pattern=_REGISTRY.pattern)]
"""What image names begin with: host, optional port, optional path."""

_RepositoryPath = Annotated[str, Matching(_inside, words="relative path", pattern=r"(?!/)(?!(.*/)?\.\.(/|$)).+")]


class Build(Section):
    """A version that is built from a Dockerfile here; the digest is known once it is pushed."""

    context: _RepositoryPath
    """The build context, a folder relative to the repository's root.

    Upstream: `docker build PATH`.
    Example: `context: examples/iris`
    """

    dockerfile: _RepositoryPath = "Dockerfile"
    """Relative to the context. The same name as upstream's default.

    Upstream: `docker build --file`.
    Example: `dockerfile: gpu.Dockerfile`
    """

    args: FrozenMap[EnvName, Text] = Field(default_factory=empty)
    """Build arguments. Image history shows them: never a secret.

    Upstream: `docker build --build-arg`.
    Example: `args: {VERSION: "8"}`
    """

    network: Literal["default", "host", "none"] = "default"
    """The network of RUN instructions. Upstream's default; `host` where the engine has no bridge, as the sandbox's.

    Upstream: `docker build --network`.
    Example: `network: host`
    """


class RegistryLogin(Section):
    """How an image that is built here is pushed to the stack's registry."""

    username: Annotated[Text, Field(min_length=1)]
    """The user's name; some registries have a fixed one for tokens.

    Upstream: `docker login --username`.
    Example: `username: ci`
    """

    password: Name
    """The name, in `ml-platform:secrets`, of the password or token; never the password itself.

    Upstream: `docker login --password-stdin`.
    Example: `password: registry-token`
    """


def full_reference(image: str, registry: str) -> str:
    """Return the image's name with its registry.

    The first part of a name is a host when it has a '.' or ':' or is `localhost`, which is how Docker reads it.
    """
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return image if is_host else f"{registry}/{image}"
