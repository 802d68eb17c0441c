from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLUGIN_VERSION", "ModelImage", "ModelImageArgs", "RegistryLogin"]

# Equal to the installed pulumi-docker (a test compares them); stated for the reason given in manifest.py.
PLUGIN_VERSION = "5.2.0"


@dataclass(frozen=True, kw_only=True)
class RegistryLogin:
    """Who pushes to a registry."""

    server: str
    """Its host, and port where it has one: `registry.example.com`."""

    username: str
    password: str = field(repr=False)
    """In plain text here; declared as a secret, so that the state holds it encrypted."""


@dataclass(frozen=True, kw_only=True)
class ModelImageArgs:
    """How to build and where to push the image of one version."""

    name: str
    """Repository and tag, the registry first: `registry.example.com/ml/churn:8`."""

    context: str
    """The build context's folder, relative to the folder of the program, so that a state holds no absolute path."""

    dockerfile: str
    """The Dockerfile's path, relative to the same folder."""

    args: Mapping[str, str] = field(default_factory=dict)
    """Build arguments. They can be read from the image: no secrets."""

    platform: str | None = None
    """Such as `linux/amd64`; None builds for the engine's own."""

    network: str | None = None
    """The network of RUN instructions; `host` where the engine has no bridge of its own."""

    target: str | None = None
    """A stage of the Dockerfile; None for the last."""

    login: RegistryLogin | None = None
    """Who pushes the image; None for what the Docker engine's own user is logged in as (`docker login`)."""


class ModelImage(pulumi.ComponentResource):
    """The image of one version of a model, built once and known by its digest from then on.

    A tag can be moved, a digest cannot: what is declared to the cluster is the digest that the registry gave, kept
    in the state, so that an older version put back into a slot is the very image that served before.
    """

    reference: pulumi.Output[str]
    """`repository@sha256:...`; unknown in a preview that would build."""

    def __init__(self, name: str, args: ModelImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ModelImage", name, {"name": args.name}, opts)
        build = {
            "context": args.context,
            "dockerfile": args.dockerfile,
            "args": dict(args.args),
            "platform": args.platform,
            "network": args.network,
            "target": args.target,
        }
        # By type token, like Manifest: importing pulumi_docker costs 0.3 s, for one resource of thirteen.
        image = pulumi.CustomResource(
            "docker:index/image:Image",
            name,
            {
                "imageName": args.name,
                "build": {key: value for key, value in build.items() if value is not None},
                # A preview shows that an image will be built; it never builds, since it may run on every pull request.
                "buildOnPreview": False,
                "skipPush": False,
                "repoDigest": None,
                **_registry(args.login),
            },
            pulumi.ResourceOptions(parent=self, version=PLUGIN_VERSION),
        )
        self.reference = pulumi.Output.from_input(image.repoDigest)  # type: ignore[attr-defined]
        self.register_outputs({"reference": self.reference})


def _registry(login: RegistryLogin | None) -> dict[str, Any]:
    if login is None:
        return {}
    password = pulumi.Output.secret(login.password)
    return {"registry": {"server": login.server, "username": login.username, "password": password}}
