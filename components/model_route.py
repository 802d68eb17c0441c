from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.hooks import Hook, guarded
from components.labels import ISSUER, PATCH_FORCE, SERVED_PORT, SKIP_AWAIT
from components.manifest import Manifest
from components.route_rules import Backend, HeaderMatch, Mirror, Weighing, route_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Backend", "GatewayVia", "HeaderMatch", "IngressVia", "Mirror", "ModelRoute", "ModelRouteArgs"]


@dataclass(frozen=True, kw_only=True)
class GatewayVia:
    """Through a Gateway of the Gateway API."""

    name: str
    namespace: str

    class_name: str | None = None
    """Its class where the platform declares it, as TeamGateway does, listeners and certificates included; None for one
    that exists, whose owner decides on both."""


@dataclass(frozen=True, kw_only=True)
class IngressVia:
    """Through an Ingress controller."""

    class_name: str | None = None
    """Its `ingressClassName`; None for the cluster's default class."""


@dataclass(frozen=True, kw_only=True)
class ModelRouteArgs:
    """Under which name users outside the cluster reach a model, and how their requests are shared out.

    Raises ValueError for what the way in cannot do.
    """

    model: str
    namespace: str
    labels: Mapping[str, str]
    host: str
    via: GatewayVia | IngressVia = field(default_factory=IngressVia)

    path: str = "/"
    """What requests' paths begin with, by whole elements. The model sees the path as the user wrote it."""

    tls: str | None = None
    """The Secret with the host's certificate, in the same namespace; None for plain HTTP."""

    issuer: str | None = None
    """The cert-manager ClusterIssuer that fills the Secret; None where somebody else does. Said on an Ingress; of a
    Gateway, the Gateway says it."""

    timeout: int | None = None
    """Seconds after which the gateway answers for the model; None for the gateway's own."""

    retries: int = 0
    """How often the gateway tries again after 502, 503 and 504. Only Gateways that know the experimental field `retry`
    do, and only API servers with the experimental channel's HTTPRoute accept it."""

    backends: Sequence[Backend] = ()
    """Who gets how much; empty for the model's own Service alone, so that a switch never touches the route."""

    matches: Sequence[HeaderMatch] = ()
    """Requests that go to one Service whatever the weights say."""

    mirror: Mirror | None = None

    gate: Hook | None = None
    """Asked before an HTTPRoute is created or changed."""

    def __post_init__(self) -> None:
        if self.issuer is not None and self.tls is None:
            raise ValueError(f"{self.model}: route.issuer: there is no tls Secret for it to fill")
        if isinstance(self.via, IngressVia):
            asked = {
                "timeout": self.timeout is not None,
                "retries": self.retries > 0,
                "weights": bool(self.backends),
                "header matches": bool(self.matches),
                "mirroring": self.mirror is not None,
                "a gate": self.gate is not None,
            }
            if wanted := [name for name, given in asked.items() if given]:
                raise ValueError(f"{self.model}: an Ingress has no field for {', '.join(wanted)}; a Gateway has")


class ModelRoute(pulumi.ComponentResource):
    """The way in from outside: one host and path, to the model's Service, whichever slot that sends to.

    Without a canary it knows no slot, so a switch never touches it. With one it gives the slot its share by weight;
    declared after the routing Service, so that a promotion moves that one first.
    """

    url: str
    """Where users reach the model: plain, since host, path and scheme are declared."""

    routed: pulumi.Output[str]
    """The id of HTTPRoute or Ingress, known once it stands as declared."""

    def __init__(self, name: str, args: ModelRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:ModelRoute", name, {"host": args.host}, opts)
        self._args = args
        self._name = name
        if isinstance(args.via, GatewayVia):
            route = self._create_http_route(args.via)
        else:
            route = self._create_ingress(args.via)
        self.routed = route.id
        if args.issuer is not None:
            self._create_challenge_policy()
        self.url = f"{'http' if args.tls is None else 'https'}://{args.host}{args.path}"
        self.register_outputs({"url": self.url})

    def _object(
        self,
        kind: str,
        annotations: Mapping[str, str],
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        *,
        suffix: str = "",
    ) -> Manifest:
        metadata = {
            "name": f"{self._args.model}{suffix}",
            "namespace": self._args.namespace,
            "labels": dict(self._args.labels),
            "annotations": {PATCH_FORCE: "true", **annotations},
        }
        body = {"metadata": metadata, "spec": spec}
        return Manifest(
            kind, f"{self._name}{suffix}", body, pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), opts)
        )

    def _create_http_route(self, via: GatewayVia) -> Manifest:
        args = self._args
        parent: dict[str, Any] = {"name": via.name}
        if via.namespace != args.namespace:
            parent["namespace"] = via.namespace
        if via.class_name is not None:
            # One listener and not all: otherwise a model with a certificate would answer in plain text as well. A
            # Gateway that exists calls its listeners as it likes, and matches them by the host.
            parent["sectionName"] = "http" if args.tls is None else args.host
        weighing = Weighing(backends=args.backends, matches=args.matches, mirror=args.mirror)
        return self._object(
            "gateway.networking.k8s.io/v1:HTTPRoute",
            {},
            {
                "parentRefs": [parent],
                "hostnames": [args.host],
                "rules": route_rules(
                    args.model, args.path, weighing=weighing, timeout=args.timeout, retries=args.retries
                ),
            },
            pulumi.ResourceOptions(hooks=guarded(f"route:{args.namespace}/{args.model}", args.gate, creation=True)),
        )

    def _create_ingress(self, via: IngressVia) -> Manifest:
        args = self._args
        backend = {"service": {"name": args.model, "port": {"name": SERVED_PORT}}}
        path = {"path": args.path, "pathType": "Prefix", "backend": backend}
        spec: dict[str, Any] = {"rules": [{"host": args.host, "http": {"paths": [path]}}]}
        if via.class_name is not None:
            spec["ingressClassName"] = via.class_name
        if args.tls is not None:
            spec["tls"] = [{"hosts": [args.host], "secretName": args.tls}]
        # Its address comes from a controller that may not be there yet; nothing here builds on it, and the provider
        # would fail the `up` after ten minutes.
        annotations = {SKIP_AWAIT: "true"}
        if args.issuer is not None:
            annotations[ISSUER] = args.issuer
        return self._object("networking.k8s.io/v1:Ingress", annotations, spec)

    def _create_challenge_policy(self) -> None:
        """Let an issuer's challenge through to the pod that answers it, where all that is not named is denied.

        cert-manager starts that pod in the certificate's namespace, with this label, for an HTTP-01 challenge.
        """
        solver = {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}}
        spec = {"podSelector": solver, "policyTypes": ["Ingress"], "ingress": [{}]}
        self._object("networking.k8s.io/v1:NetworkPolicy", {}, spec, suffix="-challenge")
