"""What may pass the walls of a team's namespace, and services that several teams share by name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.checked import Checked
from infra.settings.errors import quote
from infra.settings.peers import Caller, Cidr, Destination
from infra.settings.values import FrozenMap, Host, Name, Section, ServiceName, Text, empty

__all__ = ["Network", "SharedService"]

_Callers = Annotated[tuple[Caller, ...], Field(strict=False)]
_Destinations = Annotated[tuple[Destination, ...], Field(strict=False)]
_LARGEST_PORT = 65535


def _port(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_PORT:
        return value
    if isinstance(value, str) and value.replace("-", "").isalnum() and value == value.lower() and not value.isdecimal():
        return value
    raise ValueError(
        f"bad port {quote(value)}; allowed: 1 to {_LARGEST_PORT} without quotes, or the name of a container port"
    )


Port = Annotated[
    int | str,
    Checked(
        _port,
        words="port, by number or by the container port's name",
        schema={
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": _LARGEST_PORT},
                {"type": "string", "pattern": "^(?=.*[a-z])[a-z0-9-]+$"},
            ]
        },
    ),
]


class Network(Section):
    """What may pass the walls of one namespace.

    By default nothing does, in either direction, but DNS, what its own pods say to each other, and requests to the
    served port of its models.
    """

    from_: _Callers = Field(default=(), alias="from")
    """Who may reach every pod here. Naming a team opens both ends: its own way out to here as well, since nothing
    leaves a namespace either. Nobody by default.

    Upstream: NetworkPolicy `ingress[].from`, and `egress[].to` in the namespaces of the team that is named.
    Example: `from: ["team:ingest", "team:search/train:8080", "namespace:monitoring"]`
    """

    to: _Destinations = ()
    """What every pod here may reach outside of its namespace: networks, namespaces of add-ons, and services of
    `ml-platform:services`. The address of a cloud's metadata server is left out of every network. Nothing by default.

    Upstream: NetworkPolicy `egress[].to`.
    Example: `to: ["cidr:10.20.0.0/16:5432", "service:feature-store"]`
    """

    metrics: _Callers = ()
    """Who may scrape: reach the container port named `metrics` of every pod here, or the ports that stand behind the
    peer. Nobody by default; the metrics of a model on its served port are open like the port itself.

    Upstream: NetworkPolicy `ingress[].from`.
    Example: `metrics: ["namespace:monitoring"]`
    """

    serving: _Callers | None = None
    """Who may reach the served port of the models here, where not everybody may. Everybody by default: a model's
    callers are gateways, other teams, and the API server's proxy, through which the guard sends its smoke requests
    and whose address no selector finds. Where callers are named, name the gateway's namespace and the control plane's
    network among them.

    Default: everybody.
    Upstream: NetworkPolicy `ingress[].from` beside the port.
    Example: `serving: ["namespace:traefik", "cidr:10.0.0.0/24"]`
    """


class SharedService(Section):
    """A service that teams share by name.

    Who names it in `network.to` gets a Service of that name in its own namespace, and the way there; nobody else gets
    either.
    """

    team: Name | None = None
    """The team that runs it in this cluster. None by default: it runs elsewhere, and `host` and `cidrs` say where.

    Example: `team: features`
    """

    namespace: Name | None = None
    """In which further namespace of the team. None by default: in its main one.

    Example: `namespace: online`
    """

    service: ServiceName | None = None
    """The Service in that namespace. Its own name here by default.

    Default: the name under `ml-platform:services`.
    Upstream: Service `spec.externalName` in each namespace that uses it.
    Example: `service: feast`
    """

    pods: FrozenMap[Text, Text] = Field(default_factory=empty)
    """The labels of the pods behind it, needed with `team`: network policies know pods, not Services.

    Upstream: NetworkPolicy `spec.podSelector.matchLabels`.
    Example: `pods: {app.kubernetes.io/name: feast}`
    """

    host: Host | None = None
    """The DNS name of a service outside of the cluster; its `cidrs` must stand beside it.

    Upstream: Service `spec.externalName`.
    Example: `host: features.example.com`
    """

    cidrs: Annotated[tuple[Cidr, ...], Field(strict=False)] = ()
    """The networks in which the host's addresses are: network policies know no names.

    Upstream: NetworkPolicy `egress[].to[].ipBlock.cidr`.
    Example: `cidrs: [10.9.0.5/32]`
    """

    domain: Host = "cluster.local"
    """The cluster's domain, which the DNS name of a Service ends with. What nearly every cluster has.

    Upstream: kubelet `clusterDomain`.
    Example: `domain: cluster.example.com`
    """

    port: Port
    """The port on which its pods, or the host, listen. A network policy sees the pod's port, not its Service's.

    Upstream: NetworkPolicy `ports[].port`.
    Example: `port: 6566`
    """
