from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.manifest import PLUGIN_VERSION

__all__ = ["ClusterProvider", "ClusterProviderArgs"]


@dataclass(frozen=True, kw_only=True)
class ClusterProviderArgs:
    """How to reach a cluster that exists already."""

    identifier: str
    """What this cluster is to Pulumi, whatever the kubeconfig calls it: the environment's name."""

    context: str | None = None
    """A context of the kubeconfig; None for its current one."""

    kubeconfig: pulumi.Input[str] | None = None
    """A path, or the text itself, a secret then; None for what kubectl would use (KUBECONFIG, then ~/.kube/config),
    read by the plugin when it starts, so that no path of one machine ends up in a state that several share."""


class ClusterProvider(pulumi.ComponentResource):
    """The connection through which every object of an environment is declared."""

    provider: pulumi.ProviderResource

    def __init__(self, name: str, args: ClusterProviderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ClusterProvider", name, {"identifier": args.identifier}, opts)
        self.provider = pulumi.ProviderResource(
            "kubernetes",
            name,
            {
                # Without it the provider guesses from the kubeconfig whether the cluster is another one, and an
                # edited kubeconfig (a renewed certificate, a renamed context) may replace everything
                # (pulumi-kubernetes#4019).
                "clusterIdentifier": args.identifier,
                # Text, because provider settings travel as text. On is the provider's default; said here because the
                # division of fields between autoscaler and Pulumi rests on it.
                "enableServerSideApply": "true",
                # An `up` that is killed between an object's creation and the record of it leaves the object behind;
                # names are fixed, so the next `up` finds it, takes it over and finishes. Without this it fails
                # with "already exists" until somebody deletes or imports the object by hand.
                "upsertExistingObjects": "true",
                "context": args.context,
                "kubeconfig": args.kubeconfig,
            },
            pulumi.ResourceOptions(parent=self, version=PLUGIN_VERSION),
        )
        self.register_outputs({"identifier": args.identifier})
