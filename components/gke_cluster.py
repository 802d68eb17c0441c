from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_gcp as gcp

from components.kubeconfig import kubeconfig
from components.node_pool import NVIDIA, NodePool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["GkeCluster", "GkeClusterArgs"]

_PODS, _SERVICES = "pods", "services"
"""Names of the subnetwork's secondary ranges."""

_LOGS = {
    "api": "APISERVER",
    # Google Cloud writes every change to its own audit log, which cannot be switched off.
    "audit": None,
    "controllerManager": "CONTROLLER_MANAGER",
    "scheduler": "SCHEDULER",
}
_NODE_ROLE = "roles/container.defaultNodeServiceAccount"
"""What a node needs to write its logs and metrics, and nothing else.
Source: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"""

# GKE puts it on every node with an accelerator by itself, and refuses to be told.
_OWN_TAINT = (NVIDIA, "NoSchedule")


@dataclass(frozen=True, kw_only=True)
class GkeClusterArgs:
    """One regional cluster in one project."""

    name: str
    version: str
    project: str
    region: str
    pools: Sequence[NodePool]
    nodes: str
    pods: str
    services: str
    control_plane: str
    """The /28 of the control plane's addresses."""
    public: Sequence[str] = ()
    """Networks from which the API server is reached over the internet; empty for none."""
    logs: Sequence[str] = ()
    encryption_key: str | None = None
    protect: bool = True
    grows: bool = True
    """Whether the Cluster Autoscaler that GKE runs by itself may change the pools' sizes."""


class GkeCluster(pulumi.ComponentResource):
    """A control plane of Google Kubernetes Engine in a network of its own, and a node pool a pool."""

    kubeconfig: pulumi.Output[str]
    """Names the cluster and the command that gets a token; holds no credential itself."""

    groups: Mapping[str, pulumi.Output[str]]
    """Empty: who resizes the pools knows them."""

    ready: Sequence[pulumi.Resource]
    """What must be there before pods can run."""

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:GkeCluster", name, {"version": args.version}, opts)
        self._args = args
        provider = gcp.Provider(
            name,
            project=args.project,
            region=args.region,
            default_labels={"ml-platform-cluster": args.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._own = pulumi.ResourceOptions(parent=self, provider=provider)
        network, subnetwork, out = self._network(name)
        self._cluster = self._control_plane(name, network, subnetwork)
        node = gcp.serviceaccount.Account(
            "node", account_id=f"{args.name}-node"[:30], display_name=f"nodes of {args.name}", opts=self._own
        )
        member = node.email.apply("serviceAccount:{}".format)
        right = gcp.projects.IAMMember("node", project=args.project, role=_NODE_ROLE, member=member, opts=self._own)
        self.groups = {}
        self.ready = [self._pool(pool, node, [right, out]) for pool in args.pools]
        self.kubeconfig = kubeconfig(
            args.name,
            server=self._cluster.endpoint.apply("https://{}".format),
            authority=self._cluster.master_auth.apply(_authority),
            command=["gke-gcloud-auth-plugin"],
            provide_cluster_info=True,
        )
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _network(self, name: str) -> tuple[gcp.compute.Network, gcp.compute.Subnetwork, gcp.compute.RouterNat]:
        args = self._args
        network = gcp.compute.Network(name, name=args.name, auto_create_subnetworks=False, opts=self._own)
        subnetwork = gcp.compute.Subnetwork(
            name,
            name=args.name,
            network=network.id,
            ip_cidr_range=args.nodes,
            private_ip_google_access=True,
            secondary_ip_ranges=[
                gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name=_PODS, ip_cidr_range=args.pods),
                gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name=_SERVICES, ip_cidr_range=args.services),
            ],
            opts=self._own,
        )
        router = gcp.compute.Router(name, name=args.name, network=network.id, opts=self._own)
        out = gcp.compute.RouterNat(
            name,
            name=args.name,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=self._own,
        )
        return network, subnetwork, out

    def _control_plane(
        self, name: str, network: gcp.compute.Network, subnetwork: gcp.compute.Subnetwork
    ) -> gcp.container.Cluster:
        args = self._args
        logs = [word for log in args.logs if (word := _LOGS[log]) is not None]
        allowed = [
            gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=cidr) for cidr in args.public
        ]
        # The pool that a cluster is made with goes again at once: its pools are resources of their own.
        first = pulumi.ResourceOptions(protect=args.protect, ignore_changes=["initialNodeCount", "nodeConfig"])
        return gcp.container.Cluster(
            name,
            name=args.name,
            location=args.region,
            min_master_version=args.version,
            # Without a channel nothing is upgraded but by this stack.
            release_channel=gcp.container.ClusterReleaseChannelArgs(channel="UNSPECIFIED"),
            remove_default_node_pool=True,
            initial_node_count=1,
            network=network.id,
            subnetwork=subnetwork.id,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=_PODS, services_secondary_range_name=_SERVICES
            ),
            private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(
                enable_private_nodes=True,
                enable_private_endpoint=not args.public,
                master_ipv4_cidr_block=args.control_plane,
            ),
            master_authorized_networks_config=gcp.container.ClusterMasterAuthorizedNetworksConfigArgs(
                cidr_blocks=allowed, gcp_public_cidrs_access_enabled=False
            ),
            # Its NetworkPolicies are enforced.
            datapath_provider="ADVANCED_DATAPATH",
            workload_identity_config=gcp.container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=f"{args.project}.svc.id.goog"
            ),
            database_encryption=None
            if args.encryption_key is None
            else gcp.container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=args.encryption_key),
            enable_shielded_nodes=True,
            enable_legacy_abac=False,
            logging_config=gcp.container.ClusterLoggingConfigArgs(
                enable_components=["SYSTEM_COMPONENTS", "WORKLOADS", *logs]
            ),
            deletion_protection=args.protect,
            opts=pulumi.ResourceOptions.merge(self._own, first),
        )

    def _pool(
        self, pool: NodePool, node: gcp.serviceaccount.Account, after: Sequence[pulumi.Resource]
    ) -> gcp.container.NodePool:
        args = self._args
        return gcp.container.NodePool(
            pool.name,
            # A prefix: where another machine replaces the pool, the next one comes before the former goes.
            name_prefix=f"{pool.name}-"[:40],
            cluster=self._cluster.id,
            version=args.version,
            node_locations=list(pool.zones) or None,
            max_pods_per_node=pool.pods,
            initial_node_count=None if args.grows else _a_zone(pool.least, pool),
            # Totals, as the stack's file has them; the other two are for each zone.
            autoscaling=gcp.container.NodePoolAutoscalingArgs(
                total_min_node_count=pool.least,
                total_max_node_count=pool.most,
                location_policy="ANY" if pool.spot else "BALANCED",
            )
            if args.grows
            else None,
            management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=False),
            upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(max_surge=pool.surge, max_unavailable=0),
            node_config=_node_config(pool, node),
            # How many there are now is the autoscaler's.
            opts=pulumi.ResourceOptions.merge(
                self._own,
                pulumi.ResourceOptions(
                    depends_on=list(after), ignore_changes=["initialNodeCount", "nodeCount"] if args.grows else None
                ),
            ),
        )


def _node_config(pool: NodePool, node: gcp.serviceaccount.Account) -> gcp.container.NodePoolNodeConfigArgs:
    drivers = gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
        gpu_driver_version="DEFAULT"
    )
    devices = [
        gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
            type=pool.device or "", count=count, gpu_driver_installation_config=drivers
        )
        for count in pool.accelerators.values()
    ]
    return gcp.container.NodePoolNodeConfigArgs(
        machine_type=pool.instance,
        disk_size_gb=pool.disk,
        spot=pool.spot,
        labels=dict(pool.all_labels),
        taints=[
            gcp.container.NodePoolNodeConfigTaintArgs(key=taint.key, value=taint.value, effect=taint.screaming)
            for taint in pool.taints
            if not (devices and (taint.key, taint.effect) == _OWN_TAINT)
        ],
        guest_accelerators=devices or None,
        service_account=node.email,
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        # A pod gets its own identity, and not the node's.
        workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=not devices,  # drivers that are installed afterwards are not signed for it
            enable_integrity_monitoring=True,
        ),
    )


def _a_zone(nodes: int, pool: NodePool) -> int:
    """Give how many nodes a zone needs, rounded up: GKE counts in zones, of which a region has three."""
    zones = len(pool.zones) or 3
    return -(-nodes // zones)


def _authority(master_auth: gcp.container.outputs.ClusterMasterAuth) -> str:
    return str(master_auth.cluster_ca_certificate)
