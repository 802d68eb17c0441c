from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import SERVED_PORT, SKIP_AWAIT
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ModelRoute", "ModelRouteArgs"]


@dataclass(frozen=True, kw_only=True)
class ModelRouteArgs:
    """Under which name users outside the cluster reach a model."""

    model: str
    namespace: str
    labels: Mapping[str, str]
    host: str

    tls: str | None = None
    """The Secret with the host's certificate, in the same namespace; None for plain HTTP."""


class ModelRoute(pulumi.ComponentResource):
    """The way in from outside: one host, all of it to the model's Service, whichever slot that sends to.

    It knows no slot, so a switch never touches the gateway.
    """

    url: str
    """Where users reach the model: plain, since host and scheme are declared."""

    def __init__(self, name: str, args: ModelRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ModelRoute", name, {"host": args.host}, opts)
        backend = {"service": {"name": args.model, "port": {"name": SERVED_PORT}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        spec: dict[str, Any] = {"rules": [{"host": args.host, "http": {"paths": [path]}}]}
        if args.tls is not None:
            spec["tls"] = [{"hosts": [args.host], "secretName": args.tls}]
        Manifest(
            "networking.k8s.io/v1:Ingress",
            name,
            {
                "metadata": {
                    "name": args.model,
                    "namespace": args.namespace,
                    "labels": dict(args.labels),
                    # Its address comes from a controller that may not be there yet; nothing here builds on it, and
                    # the provider would fail the `up` after ten minutes.
                    "annotations": {SKIP_AWAIT: "true"},
                },
                "spec": spec,
            },
            pulumi.ResourceOptions(parent=self),
        )
        self.url = f"{'http' if args.tls is None else 'https'}://{args.host}/"
        self.register_outputs({"url": self.url})
