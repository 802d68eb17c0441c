"""What clusters that this program makes have in common, whatever the cloud."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.settings.checked import Shape
from infra.settings.errors import quote
from infra.settings.values import Section

__all__ = ["ApiAccess", "ProviderNetwork"]


def _range(value: str) -> str:
    try:
        IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"bad range {quote(value)}: {error}; allowed: such as 10.40.0.0/16") from None
    return value


_Range = Annotated[str, AfterValidator(_range), Shape(words="range of IPv4 addresses", pattern=r"^[0-9.]+/[0-9]{1,2}$")]


class ApiAccess(Section):
    """Who may reach the API server."""

    public: Annotated[tuple[_Range, ...], Field(strict=False)] = ()
    """The networks from which it is reached over the internet. None by default: it is reached from inside its network
    alone, so that Pulumi runs there too, or through a VPN.

    Upstream: EKS `publicAccessCidrs`, GKE `masterAuthorizedNetworksConfig`, AKS `authorizedIPRanges`.
    Example: `public: ["203.0.113.0/24"]`
    """


class ProviderNetwork(Section):
    """Ranges of addresses, none of which may be in use where the cluster is to be reached from."""

    nodes: _Range = "10.40.0.0/16"
    """Of nodes, and on EKS of pods as well. A /16, since EKS gives every pod one of them.

    Upstream: EKS VPC `cidrBlock`, GKE Subnetwork `ipCidrRange`, AKS VirtualNetwork `addressPrefixes`.
    Example: `nodes: 10.60.0.0/16`
    """

    pods: _Range = "10.64.0.0/14"
    """Of pods, where they have a range of their own: on GKE and AKS. A /14, which is 1,024 nodes of 110 pods: GKE gives
    every node 256 addresses.

    Upstream: GKE `clusterSecondaryRangeName`, AKS `podCidr`.
    Example: `pods: 10.128.0.0/14`
    """

    services: _Range = "172.20.0.0/16"
    """Of Services. EKS' own default.

    Upstream: EKS `kubernetesServiceIpAddressRange`, GKE `servicesSecondaryRangeName`, AKS `serviceCidr`.
    Example: `services: 172.21.0.0/16`
    """
