from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import ISSUER, PATCH_FORCE
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GATEWAY", "Certificate", "TeamGateway", "TeamGatewayArgs"]

GATEWAY = "models"
"""The name of a team's Gateway, in its namespace."""

# Listeners that one Gateway may have. Source: GatewaySpec.listeners, maxItems.
_LISTENERS = 64

_API = "gateway.networking.k8s.io/v1"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a host proves itself with."""

    secret: str
    """A TLS Secret in the Gateway's namespace."""

    issuer: str | None = None
    """The cert-manager ClusterIssuer that fills it; None where somebody else does."""


@dataclass(frozen=True, kw_only=True)
class TeamGatewayArgs:
    """The way in to all models of a team. Raises ValueError for hosts that one Gateway cannot serve."""

    namespace: str
    labels: Mapping[str, str]
    class_name: str

    hosts: Mapping[str, Certificate] = field(default_factory=dict)
    """Hosts that are reached by https; others need no listener of their own."""

    def __post_init__(self) -> None:
        if len({certificate.issuer for certificate in self.hosts.values()}) > 1:
            # The issuer stands on the Gateway, and cert-manager fills the Secrets of all its listeners: one that
            # somebody else has filled would be overwritten.
            raise ValueError(f"{self.namespace}: the https routes of one team have one issuer, or none has any")
        if len(self.hosts) >= _LISTENERS:
            raise ValueError(f"{self.namespace}: a Gateway has at most {_LISTENERS - 1} https hosts")


class TeamGateway(pulumi.ComponentResource):
    """A team's own Gateway: it stands in the team's namespace, beside the certificates that only the team may use.

    One a team and not one a model, since a cloud gives each Gateway an address and a load balancer. A host with a
    certificate is served by https alone: by http it answers where to go.
    """

    def __init__(self, name: str, args: TeamGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:TeamGateway", name, {"class": args.class_name}, opts)
        self._args = args
        gateway = self._create_gateway()
        for host in sorted(args.hosts):
            self._create_redirect(host, gateway)
        self._create_network_policy()
        self.register_outputs({})

    def _object(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any],
        annotations: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> Manifest:
        metadata = {
            "name": name,
            "namespace": self._args.namespace,
            "labels": dict(self._args.labels),
            "annotations": {PATCH_FORCE: "true", **annotations},
        }
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), opts)
        return Manifest(kind, f"{self._args.namespace}/{name}", {"metadata": metadata, "spec": spec}, opts)

    def _create_gateway(self) -> Manifest:
        args = self._args
        # Routes of this namespace alone, as is the API's default: another team's model cannot take a host of ours.
        own = {"namespaces": {"from": "Same"}}
        listeners: list[dict[str, Any]] = [{"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": own}]
        listeners += [
            {
                # The host is a valid name for its listener, and the only one that can be told from the route.
                "name": host,
                "hostname": host,
                "protocol": "HTTPS",
                "port": 443,
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": certificate.secret}]},
                "allowedRoutes": own,
            }
            for host, certificate in sorted(args.hosts.items())
        ]
        # One at most, as the arguments are checked to have.
        issuer = next((certificate.issuer for certificate in args.hosts.values()), None)
        annotations = {} if issuer is None else {ISSUER: issuer}
        spec = {"gatewayClassName": args.class_name, "listeners": listeners}
        return self._object(f"{_API}:Gateway", GATEWAY, spec, annotations)

    def _create_redirect(self, host: str, gateway: Manifest) -> None:
        """Send a host's plain requests to https. A challenge of cert-manager's has a longer path, and wins."""
        redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
        spec = {
            "parentRefs": [{"name": GATEWAY, "sectionName": "http"}],
            "hostnames": [host],
            "rules": [{"filters": [redirect]}],
        }
        self._object(f"{_API}:HTTPRoute", host, spec, {}, pulumi.ResourceOptions(depends_on=[gateway]))

    def _create_network_policy(self) -> None:
        """Let a gateway that runs in the team's own namespace be reached and reach its controller.

        Some implementations put the Gateway's pods beside it, where all that is not named is denied. They bear this
        label (GEP-1762); where there are none, the policy finds nothing.
        """
        spec = {
            "podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": GATEWAY}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        }
        self._object("networking.k8s.io/v1:NetworkPolicy", "allow-gateway", spec, {})
