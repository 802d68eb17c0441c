from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EksNetwork", "EksNetworkArgs"]

# The range is cut in eight: six for the nodes of up to six zones, and of the last one six more for what is public.
_CUT = 3


@dataclass(frozen=True, kw_only=True)
class EksNetworkArgs:
    """A network for one cluster: its range, and the zones in which it has nodes."""

    name: str
    cidr: str
    zones: Sequence[str]


class EksNetwork(pulumi.ComponentResource):
    """A VPC with a private subnet a zone for nodes, and a public one for load balancers and the way out.

    Each zone has its own NAT gateway, so that the loss of one takes the others' way out from nobody.
    """

    vpc_id: pulumi.Output[str]
    private: dict[str, aws.ec2.Subnet]
    """By zone."""
    public: dict[str, aws.ec2.Subnet]

    def __init__(self, name: str, args: EksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:EksNetwork", name, {"cidr": args.cidr}, opts)
        self._args = args
        self._own = pulumi.ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            name,
            cidr_block=args.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags(args.name),
            opts=self._own,
        )
        self.vpc_id = self._vpc.id
        whole = IPv4Network(args.cidr)
        *private, last = whole.subnets(prefixlen_diff=_CUT)
        public = list(last.subnets(prefixlen_diff=_CUT))
        # Not by a zone's place in the list: a further zone must move no other one's addresses.
        place = {zone: ord(zone[-1]) - ord("a") for zone in sorted(args.zones)}
        gateway = aws.ec2.InternetGateway(name, vpc_id=self._vpc.id, tags=self._tags(args.name), opts=self._own)
        out = self._routes("public", aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id))
        self.public = {zone: self._subnet("public", "elb", zone, public[at], out) for zone, at in place.items()}
        self.private = {}
        for zone, at in place.items():
            nat = self._nat(zone, gateway)
            through = self._routes(zone, aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", nat_gateway_id=nat.id))
            self.private[zone] = self._subnet("private", "internal-elb", zone, private[at], through)
        self.register_outputs({"vpcId": self._vpc.id})

    def _tags(self, name: str) -> dict[str, str]:
        return {"Name": name, "ml-platform/cluster": self._args.name}

    def _routes(self, name: str, route: aws.ec2.RouteTableRouteArgs) -> aws.ec2.RouteTable:
        named = f"{self._args.name}-{name}"
        return aws.ec2.RouteTable(name, vpc_id=self._vpc.id, routes=[route], tags=self._tags(named), opts=self._own)

    def _subnet(
        self, side: str, balancers: str, zone: str, cidr: IPv4Network, routes: aws.ec2.RouteTable
    ) -> aws.ec2.Subnet:
        name = f"{side}-{zone}"
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=self._vpc.id,
            availability_zone=zone,
            cidr_block=str(cidr),
            map_public_ip_on_launch=False,
            # By this tag the controllers of load balancers find where to put them.
            tags={**self._tags(f"{self._args.name}-{name}"), f"kubernetes.io/role/{balancers}": "1"},
            opts=self._own,
        )
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=routes.id, opts=self._own)
        return subnet

    def _nat(self, zone: str, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        tags = self._tags(f"{self._args.name}-{zone}")
        after = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        address = aws.ec2.Eip(zone, domain="vpc", tags=tags, opts=after)
        return aws.ec2.NatGateway(zone, allocation_id=address.id, subnet_id=self.public[zone].id, tags=tags, opts=after)
