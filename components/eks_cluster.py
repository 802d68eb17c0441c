from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from components.eks_network import EksNetwork, EksNetworkArgs
from components.node_pool import NVIDIA, NodePool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["EksCluster", "EksClusterArgs"]

_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
# What AWS asks of a node: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html. Pulling, not pushing.
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
_POD_IDENTITY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}
_EC2 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_DISK = "/dev/xvdb"
"""Where Bottlerocket keeps images, logs and temporary files; its system has a small disk of its own."""

_LOOK = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
    # Labels and taints of a pool that has no node yet.
    "eks:DescribeNodegroup",
)
_RESIZE = ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup")
"""Upstream: cluster-autoscaler/cloudprovider/aws/README.md, full feature policy."""


@dataclass(frozen=True, kw_only=True)
class EksClusterArgs:
    """One cluster in one account and region. Raises ValueError without a pool in two zones at least."""

    name: str
    version: str
    account: str
    region: str
    pools: Sequence[NodePool]
    nodes: str
    """The network's range, /16 to /20."""
    services: str
    public: Sequence[str] = ()
    """Networks from which the API server is reached over the internet; empty for none."""
    logs: Sequence[str] = ()
    encryption_key: str | None = None
    admins: Sequence[str] = ()
    protect: bool = True
    autoscaler: tuple[str, str] | None = None
    """Namespace and ServiceAccount of the Cluster Autoscaler, which may then resize the pools; None for none."""

    system: str | None = None
    """The instance type of two nodes beside the pools, on which Karpenter finds a place; None without it."""

    def __post_init__(self) -> None:
        if len(self.zones) < 2:  # noqa: PLR2004 (EKS' own minimum)
            raise ValueError("eks: the pools have fewer than two zones")

    @property
    def zones(self) -> list[str]:
        """All zones that a pool names."""
        return sorted({zone for pool in self.pools for zone in pool.zones})


class EksCluster(pulumi.ComponentResource):
    """A control plane of Amazon EKS in a network of its own, and a managed node group a pool."""

    kubeconfig: pulumi.Output[str]
    """Names the cluster and the command that gets a token; holds no credential itself."""

    groups: Mapping[str, pulumi.Output[str]]
    """By pool, the Auto Scaling group that the Cluster Autoscaler resizes."""

    ready: Sequence[pulumi.Resource]
    """What must be there before pods can run."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:EksCluster", name, {"version": args.version}, opts)
        self._args = args
        provider = aws.Provider(
            name,
            region=args.region,
            allowed_account_ids=[args.account],
            default_tags=aws.ProviderDefaultTagsArgs(tags={"ml-platform/cluster": args.name}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._own = pulumi.ResourceOptions(parent=self, providers=[provider])
        self._network = EksNetwork(name, EksNetworkArgs(name=args.name, cidr=args.nodes, zones=args.zones), self._own)
        self._cluster = self._control_plane(name)
        node = self._role("node", _EC2)
        attached = [self._attach(node, policy) for policy in _NODE_POLICIES]
        pools = args.pools if args.system is None else [_system(args.system, args.zones), *args.pools]
        managed = [pool for pool in pools if args.system is None or pool.name == "system"]
        made = {pool.name: self._pool(pool, node, attached) for pool in managed}
        self.groups = {pool: group.resources.apply(_group) for pool, group in made.items()}
        agent = aws.eks.Addon(
            "pod-identity",
            cluster_name=args.name,
            addon_name="eks-pod-identity-agent",
            opts=pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(depends_on=list(made.values()))),
        )
        self.ready = [*made.values(), agent, *self._autoscaler()]
        self.kubeconfig = pulumi.Output.secret(self._cluster.kubeconfig_json)
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _control_plane(self, name: str) -> eks.Cluster:
        args = self._args
        everywhere = aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
        admin = eks.AccessPolicyAssociationArgs(policy_arn=_ADMIN, access_scope=everywhere)
        opts = pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(protect=args.protect))
        return eks.Cluster(
            name,
            name=args.name,
            version=args.version,
            vpc_id=self._network.vpc_id,
            private_subnet_ids=[subnet.id for subnet in self._network.private.values()],
            public_subnet_ids=[subnet.id for subnet in self._network.public.values()],
            kubernetes_service_ip_address_range=args.services,
            # Nodes talk to it inside the network, whoever else may reach it.
            endpoint_private_access=True,
            endpoint_public_access=bool(args.public),
            public_access_cidrs=list(args.public) or None,
            enabled_cluster_log_types=list(args.logs),
            encryption_config_key_arn=args.encryption_key,
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={
                arn: eks.AccessEntryArgs(principal_arn=arn, access_policies={"admin": admin}) for arn in args.admins
            },
            create_oidc_provider=True,
            skip_default_node_group=True,
            node_associate_public_ip_address=False,
            # Without it NetworkPolicies are accepted and mean nothing.
            vpc_cni_options=eks.VpcCniOptionsArgs(enable_network_policy=True),
            deletion_protection=args.protect,
            # A version whose time is over is raised by AWS, instead of being paid for sixfold.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            opts=opts,
        )

    def _pool(self, pool: NodePool, node: aws.iam.Role, attached: Sequence[pulumi.Resource]) -> aws.eks.NodeGroup:
        template = self._template(pool)
        # A pool's nodes are of the cluster's version, and follow it when the control plane has it. Desired is what
        # there are now, which is the autoscaler's.
        follows = pulumi.ResourceOptions(
            depends_on=[self._cluster, *attached], ignore_changes=["scalingConfig.desiredSize"]
        )
        return aws.eks.NodeGroup(
            pool.name,
            cluster_name=self._args.name,
            # A prefix: where another instance type replaces the group, the next one comes before the former goes.
            node_group_name_prefix=f"{pool.name}-",
            version=self._args.version,
            node_role_arn=node.arn,
            subnet_ids=[self._network.private[zone].id for zone in pool.zones],
            instance_types=[pool.instance],
            ami_type=_image(pool),
            capacity_type="SPOT" if pool.spot else "ON_DEMAND",
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            labels=dict(pool.all_labels),
            taints=[
                aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value or None, effect=taint.screaming)
                for taint in pool.taints
            ],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=pool.least, max_size=pool.most, desired_size=pool.least
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=pool.surge),
            opts=pulumi.ResourceOptions.merge(self._own, follows),
        )

    def _template(self, pool: NodePool) -> aws.ec2.LaunchTemplate:
        disk = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
            encrypted="true", volume_type="gp3", volume_size=pool.disk, delete_on_termination="true"
        )
        return aws.ec2.LaunchTemplate(
            pool.name,
            name_prefix=f"{self._args.name}-{pool.name}-",
            block_device_mappings=[aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=_DISK, ebs=disk)],
            # One hop: a pod that is not on the node's own network gets none of the node's credentials.
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            opts=self._own,
        )

    def _role(self, name: str, trust: Mapping[str, object]) -> aws.iam.Role:
        return aws.iam.Role(f"{self._args.name}-{name}", assume_role_policy=json.dumps(trust), opts=self._own)

    def _attach(self, role: aws.iam.Role, policy: str) -> aws.iam.RolePolicyAttachment:
        arn = f"arn:aws:iam::aws:policy/{policy}"
        return aws.iam.RolePolicyAttachment(policy, role=role.name, policy_arn=arn, opts=self._own)

    def _autoscaler(self) -> list[pulumi.Resource]:
        """Let the Cluster Autoscaler look at everything and resize the pools' own groups."""
        if self._args.autoscaler is None:
            return []
        namespace, account = self._args.autoscaler
        role = self._role("autoscaler", _POD_IDENTITY)
        owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{self._args.name}": "owned"}}
        statements = [
            {"Effect": "Allow", "Action": list(_LOOK), "Resource": "*"},
            # The tag that EKS gives the groups of this cluster's managed pools.
            {"Effect": "Allow", "Action": list(_RESIZE), "Resource": "*", "Condition": owned},
        ]
        rights = aws.iam.RolePolicy(
            "autoscaler",
            role=role.name,
            policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=self._own,
        )
        return [
            rights,
            aws.eks.PodIdentityAssociation(
                "autoscaler",
                cluster_name=self._args.name,
                namespace=namespace,
                service_account=account,
                role_arn=role.arn,
                opts=pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(depends_on=[self._cluster])),
            ),
        ]


def _image(pool: NodePool) -> str:
    """Choose Bottlerocket for the processor: its root is read-only, and the variant for GPUs tells the kubelet of them.

    Source: https://bottlerocket.dev/en/os/latest/ (variants), amiType of the EKS API.
    """
    processor = "ARM_64" if pool.architecture == "arm64" else "x86_64"
    return f"BOTTLEROCKET_{processor}{'_NVIDIA' if NVIDIA in pool.accelerators else ''}"


def _system(instance: str, zones: Sequence[str]) -> NodePool:
    return NodePool(name="system", instance=instance, least=2, most=2, zones=zones)


def _group(resources: Sequence[aws.eks.outputs.NodeGroupResource]) -> str:
    return str(resources[0].autoscaling_groups[0].name)
