"""The Gateway API in a cluster: its definitions, and the classes that name the sandbox's gateway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.cluster.errors import ClusterError
from sandbox.cluster.readiness import has_condition

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster.api import Api

__all__ = ["GATEWAY_CLASS", "install_gateway_api"]

# The name of both classes, that of Gateways and that of Ingresses: what a stack file calls the sandbox's gateway.
GATEWAY_CLASS = "traefik"
# Under which name Traefik itself looks for its classes.
GATEWAY_CONTROLLER = "traefik.io/gateway-controller"
INGRESS_CONTROLLER = "traefik.io/ingress-controller"
BUNDLE = "gateway.networking.k8s.io/bundle-version"
# A definition takes the API server milliseconds to read and up to a second to serve.
TIMEOUT = 30.0
# The largest definition is 300 kB of schema, which a busy API server takes seconds to compare.
APPLY_SECONDS = 30.0


def install_gateway_api(api: Api, definitions: Path) -> None:
    """Declare the Gateway API's kinds and the classes of the sandbox's gateway; what is there already is left alone.

    `definitions` is the directory of `provide_gateway_api`. Without a gateway, as on simulated nodes, the class stays
    "waiting for controller", and routes are stored and never served. Raises `ClusterError` when the API server does
    not serve the kinds in time.
    """
    manifests = [
        manifest
        for path in sorted(definitions.glob("*.yaml"))
        for manifest in yaml.load_all(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if manifest
    ]
    for manifest in manifests:
        if not _is_there(api, manifest):
            api.apply(manifest, timeout=APPLY_SECONDS)
    end = time.monotonic() + TIMEOUT
    for manifest in manifests:
        while not has_condition(api.get(_path(manifest)), "Established"):
            if time.monotonic() > end:
                raise ClusterError(
                    f"the API server does not serve {manifest['metadata']['name']} after {TIMEOUT:.0f} s"
                )
            time.sleep(0.05)
    for manifest in _classes():
        api.apply(manifest, timeout=APPLY_SECONDS)


def _is_there(api: Api, manifest: dict[str, Any]) -> bool:
    """Whether the definition is there in the same version: to compare its schema field by field would cost seconds."""
    found = api.get(_path(manifest))
    version = manifest["metadata"]["annotations"][BUNDLE]
    return found is not None and found["metadata"].get("annotations", {}).get(BUNDLE) == version


def _path(manifest: dict[str, Any]) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{manifest['metadata']['name']}"


def _classes() -> list[dict[str, Any]]:
    metadata = {"name": GATEWAY_CLASS}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": metadata,
            "spec": {"controllerName": GATEWAY_CONTROLLER},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": metadata,
            "spec": {"controller": INGRESS_CONTROLLER},
        },
    ]
