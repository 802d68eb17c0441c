"""What a program asks for: the inputs of an Image, with the defaults of pulumi-docker 5.2."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.plugins.docker.context import BuildContext
from sandbox.plugins.properties import UNKNOWN, has_unknowns

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BUILDERS", "Image", "InputError", "with_defaults"]

BUILDERS = ("BuilderV1", "BuilderBuildKit")
# Go's names, which Docker uses, for what Python reports.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


class InputError(Exception):
    """An input that no image can be built from; `path` names it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image to build, from checked and fully known inputs."""

    name: str
    context: BuildContext
    platform: str
    args: Mapping[str, str]
    target: str | None
    cache_from: tuple[str, ...]
    network: str | None
    add_hosts: Mapping[str, str]
    server: str
    username: str
    password: str = field(repr=False)
    skip_push: bool

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Image:
        """Read inputs that `with_defaults` returned."""
        build = inputs["build"]
        registry = inputs.get("registry") or {}
        return cls(
            name=inputs["imageName"],
            context=BuildContext(folder=Path(build["context"]), dockerfile=Path(build["dockerfile"])),
            platform=build["platform"],
            args=build.get("args") or {},
            target=build.get("target"),
            cache_from=tuple((build.get("cacheFrom") or {}).get("images") or ()),
            network=build.get("network"),
            add_hosts=dict(entry.split(":", 1) for entry in build.get("addHosts") or ()),
            server=registry.get("server") or "",
            username=registry.get("username") or "",
            password=registry.get("password") or "",
            skip_push=bool(inputs.get("skipPush")),
        )


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked inputs with every default filled in, and `build.contextDigest` added.

    The digest is what makes a change of any file of the context a change of the resource.

    Raises:
        InputError: the first input that cannot work.

    """
    inputs = dict(given)
    inputs.setdefault("buildOnPreview", False)
    build = inputs.get("build", {})
    if build is UNKNOWN:
        return inputs
    build = dict(build)
    build.setdefault("context", ".")
    if build["context"] is not UNKNOWN:
        # As pulumi-docker does, a Dockerfile is named from the working directory, not from the context.
        build.setdefault("dockerfile", os.path.normpath(Path(build["context"]) / "Dockerfile"))
    build.setdefault("platform", _host_platform())
    inputs["build"] = build
    _check(inputs)
    if not has_unknowns([build["context"], build.get("dockerfile", UNKNOWN)]):
        context = BuildContext(folder=Path(build["context"]), dockerfile=Path(build["dockerfile"]))
        build["contextDigest"] = context.digest()
    return inputs


def _check(inputs: Mapping[str, Any]) -> None:
    if not inputs.get("imageName"):
        raise InputError("imageName", "is required: [registry/]repository[:tag]")
    build = inputs["build"]
    folder, dockerfile = build["context"], build.get("dockerfile", UNKNOWN)
    if folder is not UNKNOWN and not Path(folder).is_dir():
        raise InputError("build.context", f"no such folder: {folder} (working directory {Path.cwd()})")
    if not has_unknowns([folder, dockerfile]) and not Path(dockerfile).is_file():
        inside = Path(folder) / dockerfile
        hint = f"; did you mean {inside}?" if inside.is_file() else f" (working directory {Path.cwd()})"
        raise InputError("build.dockerfile", f"no such file: {dockerfile}{hint}")
    builder = build.get("builderVersion")
    if builder is not None and builder is not UNKNOWN and builder not in BUILDERS:
        raise InputError("build.builderVersion", f"{builder!r} is not one of {', '.join(BUILDERS)}")
    for entry in build.get("addHosts") or ():
        if entry is not UNKNOWN and ":" not in entry:
            raise InputError("build.addHosts", f"{entry!r} is not of the form host:ip")
    if build.get("cacheFrom") == {}:
        raise InputError("build.cacheFrom", "names no images")


def _host_platform() -> str:
    machine = platform.machine()
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"
