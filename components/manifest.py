from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLUGIN_VERSION", "Manifest"]

# The official provider's version, equal to the installed pulumi-kubernetes (a test compares them). Stated on every
# resource: without it the engine takes whatever plugin it finds, and `import` records a provider without a version.
PLUGIN_VERSION = "4.34.2"


class Manifest(pulumi.CustomResource):
    """One Kubernetes object, declared as the manifest that it is.

    The typed classes of `pulumi_kubernetes` register the same resource types, so state made through either is
    readable by the other; but importing the seven groups that a model needs costs 1.7 s and 138 MB against 0.6 s and
    62 MB, and a typed Deployment 7 ms of Python against 2. A program that declares hundreds of objects is built from
    this class instead; what the types would have caught, the API server's dry run catches in the preview.
    """

    metadata: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare one object.

        `kind` is apiVersion and kind, as in `apps/v1:Deployment` or `v1:Service`; `body` is the rest of the manifest,
        keys as in YAML. A kind that ends in Patch (`v1:ServiceAccountPatch`) owns some fields of an object that
        somebody else makes, as upstream's Patch resources do. Raises ValueError when `kind` has not that form or `body`
        repeats it: a second place for the same fact is a place to contradict it.
        """
        api_version, separator, object_kind = kind.partition(":")
        if not (api_version and separator and object_kind) or ":" in object_kind:
            raise ValueError(f'kind: "{kind}" is not of the form "apps/v1:Deployment"')
        if repeated := {"apiVersion", "kind"} & body.keys():
            raise ValueError(f"body of {name}: {', '.join(sorted(repeated))} is given by kind already")
        # The schema files the core group, which has no name in apiVersion, under "core".
        group_version = api_version if "/" in api_version else f"core/{api_version}"
        super().__init__(
            f"kubernetes:{group_version}:{object_kind}",
            name,
            {"apiVersion": api_version, "kind": object_kind.removesuffix("Patch"), **body},
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=PLUGIN_VERSION), opts),
        )

    @property
    def object_name(self) -> pulumi.Output[str]:
        """The object's name in the cluster, which the provider chooses where `metadata.name` is absent."""
        return self.metadata.apply(_name)


def _name(metadata: Mapping[str, Any]) -> str:
    return str(metadata["name"])
