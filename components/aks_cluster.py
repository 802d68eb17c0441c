from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_azure_native as azure

from components.kubeconfig import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.node_pool import NodePool

__all__ = ["AksCluster", "AksClusterArgs"]

_LOGS = {
    "api": ["kube-apiserver"],
    "audit": ["kube-audit-admin", "guard"],  # without the many that only read
    "controllerManager": ["kube-controller-manager", "cloud-controller-manager"],
    "scheduler": ["kube-scheduler"],
}
_ENTRA_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The API server of every AKS cluster, as Microsoft Entra knows it.
Source: https://learn.microsoft.com/azure/aks/kubelogin-authentication"""

_VALUE = re.compile(r"""["']?(server|certificate-authority-data)["']?: *["']?([^\s"',]+)""")

_SYSTEM_NODES = 3
"""One a zone, as Microsoft recommends for production."""


@dataclass(frozen=True, kw_only=True)
class AksClusterArgs:
    """One cluster in one subscription."""

    name: str
    version: str
    subscription: str
    tenant: str
    location: str
    admins: Sequence[str]
    """Object ids of groups in Microsoft Entra."""
    pools: Sequence[NodePool]
    system: str
    """The machine of the nodes that AKS wants for its own pods."""
    nodes: str
    pods: str
    services: str
    dns: str
    """The address of the cluster's DNS, in `services`."""
    public: Sequence[str] = ()
    """Networks from which the API server is reached over the internet; empty for none."""
    logs: Sequence[str] = ()
    log_workspace: str | None = None
    encryption_key: str | None = None
    key_vault: str | None = None
    protect: bool = True
    autoscaler: Mapping[str, str] | None = field(default=None)
    """Flags of the Cluster Autoscaler that AKS runs by itself, without `--`; None where nobody changes sizes."""


class AksCluster(pulumi.ComponentResource):
    """A control plane of Azure Kubernetes Service in a network of its own, and an agent pool a pool."""

    kubeconfig: pulumi.Output[str]
    """Names the cluster and the command that gets a token; holds no credential itself."""

    groups: Mapping[str, pulumi.Output[str]]
    """Empty: who resizes the pools knows them."""

    ready: Sequence[pulumi.Resource]
    """What must be there before pods can run."""

    def __init__(self, name: str, args: AksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:AksCluster", name, {"version": args.version}, opts)
        self._args = args
        self._tags = {"ml-platform-cluster": args.name}
        provider = azure.Provider(
            name,
            subscription_id=args.subscription,
            tenant_id=args.tenant,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._own = pulumi.ResourceOptions(parent=self, provider=provider)
        self._group = azure.resources.ResourceGroup(
            name, resource_group_name=args.name, location=args.location, tags=self._tags, opts=self._own
        )
        self._subnet = self._network(name)
        self._cluster = self._control_plane(name)
        self.groups = {}
        self.ready = [self._pool(pool) for pool in args.pools]
        self._diagnostics(name)
        self.kubeconfig = self._kubeconfig()
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _network(self, name: str) -> azure.network.Subnet:
        args = self._args
        network = azure.network.VirtualNetwork(
            name,
            resource_group_name=self._group.name,
            virtual_network_name=args.name,
            location=args.location,
            address_space=azure.network.AddressSpaceArgs(address_prefixes=[args.nodes]),
            tags=self._tags,
            # Its subnets are resources of their own.
            opts=pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(ignore_changes=["subnets"])),
        )
        return azure.network.Subnet(
            "nodes",
            resource_group_name=self._group.name,
            virtual_network_name=network.name,
            subnet_name="nodes",
            address_prefix=args.nodes,
            opts=self._own,
        )

    def _control_plane(self, name: str) -> azure.containerservice.ManagedCluster:
        args, service = self._args, azure.containerservice
        # Versions of pools follow their own resources; here stands only what a new cluster begins with.
        opts = pulumi.ResourceOptions(protect=args.protect, ignore_changes=["agentPoolProfiles[*].count"])
        return service.ManagedCluster(
            name,
            resource_group_name=self._group.name,
            resource_name_=args.name,
            location=args.location,
            kubernetes_version=args.version,
            dns_prefix=args.name,
            sku=service.ManagedClusterSKUArgs(name="Base", tier="Standard"),  # the tier with a promise of uptime
            identity=service.ManagedClusterIdentityArgs(type=service.ResourceIdentityType.SYSTEM_ASSIGNED),
            agent_pool_profiles=[self._system()],
            network_profile=service.ContainerServiceNetworkProfileArgs(
                network_plugin="azure",
                network_plugin_mode="overlay",
                # Its NetworkPolicies are enforced.
                network_dataplane="cilium",
                network_policy="cilium",
                load_balancer_sku="standard",
                outbound_type="loadBalancer",
                pod_cidr=args.pods,
                service_cidr=args.services,
                dns_service_ip=args.dns,
            ),
            api_server_access_profile=service.ManagedClusterAPIServerAccessProfileArgs(
                enable_private_cluster=not args.public,
                authorized_ip_ranges=list(args.public) or None,
                disable_run_command=True,  # a way in that passes by the network's
            ),
            aad_profile=service.ManagedClusterAADProfileArgs(
                managed=True,
                enable_azure_rbac=False,  # who may do what is said by the teams' Roles, on every cloud alike
                tenant_id=args.tenant,
                admin_group_object_ids=list(args.admins),
            ),
            disable_local_accounts=True,
            enable_rbac=True,
            oidc_issuer_profile=service.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            security_profile=service.ManagedClusterSecurityProfileArgs(
                workload_identity=service.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
                azure_key_vault_kms=None
                if args.encryption_key is None
                else service.AzureKeyVaultKmsArgs(
                    enabled=True,
                    key_id=args.encryption_key,
                    key_vault_resource_id=args.key_vault,
                    key_vault_network_access="Public" if args.key_vault is None else "Private",
                ),
            ),
            auto_scaler_profile=None if args.autoscaler is None else _profile(args.autoscaler),
            auto_upgrade_profile=service.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel="none", node_os_upgrade_channel="NodeImage"
            ),
            tags=self._tags,
            opts=pulumi.ResourceOptions.merge(self._own, opts),
        )

    def _system(self) -> azure.containerservice.ManagedClusterAgentPoolProfileArgs:
        return azure.containerservice.ManagedClusterAgentPoolProfileArgs(
            name="system",
            mode="System",
            type="VirtualMachineScaleSets",
            count=_SYSTEM_NODES,
            vm_size=self._args.system,
            orchestrator_version=self._args.version,
            os_type="Linux",
            vnet_subnet_id=self._subnet.id,
            # Nothing of a team's lands there.
            node_taints=["CriticalAddonsOnly=true:NoSchedule"],
        )

    def _pool(self, pool: NodePool) -> azure.containerservice.AgentPool:
        grows = self._args.autoscaler is not None
        return azure.containerservice.AgentPool(
            pool.name,
            resource_group_name=self._group.name,
            resource_name_=self._cluster.name,
            agent_pool_name=pool.name,
            mode="User",
            orchestrator_version=self._args.version,
            vm_size=pool.instance,
            os_type="Linux",
            os_disk_size_gb=pool.disk,
            vnet_subnet_id=self._subnet.id,
            # A node's label has the region before the number.
            availability_zones=[zone.rpartition("-")[2] for zone in pool.zones] or None,
            max_pods=pool.pods,
            enable_auto_scaling=grows,
            min_count=pool.least if grows else None,
            max_count=pool.most if grows else None,
            count=pool.least,
            scale_set_priority="Spot" if pool.spot else "Regular",
            scale_set_eviction_policy="Delete" if pool.spot else None,
            node_labels=dict(pool.all_labels),
            node_taints=[taint.text for taint in pool.taints] or None,
            upgrade_settings=azure.containerservice.AgentPoolUpgradeSettingsArgs(max_surge=str(pool.surge)),
            # How many there are now is the autoscaler's.
            opts=pulumi.ResourceOptions.merge(
                self._own,
                pulumi.ResourceOptions(depends_on=[self._cluster], ignore_changes=["count"] if grows else None),
            ),
        )

    def _diagnostics(self, name: str) -> None:
        args = self._args
        if args.log_workspace is None or not args.logs:
            return
        azure.monitor.DiagnosticSetting(
            name,
            name="control-plane",
            resource_uri=self._cluster.id,
            workspace_id=args.log_workspace,
            logs=[
                azure.monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
                for log in args.logs
                for category in _LOGS[log]
            ],
            opts=self._own,
        )

    def _kubeconfig(self) -> pulumi.Output[str]:
        """Take server and CA from what Azure gives every user, and leave out its way to log in, which asks a person."""
        given = azure.containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=self._group.name,
            resource_name=self._cluster.name,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=self._own.provider),
        )
        cluster = given.apply(lambda found: _cluster_of(found.kubeconfigs[0].value))
        return kubeconfig(
            self._args.name,
            server=cluster.apply(lambda found: found["server"]),
            authority=cluster.apply(lambda found: found["certificate-authority-data"]),
            command=["kubelogin", "get-token", "--login", "azurecli", "--server-id", _ENTRA_SERVER],
        )


def _cluster_of(encoded: str) -> dict[str, str]:
    """Find the two values in Azure's kubeconfig, which is YAML of one cluster with each on a line of its own."""
    text = base64.b64decode(encoded).decode()
    found = dict(_VALUE.findall(text))
    return {key: found[key] for key in ("server", "certificate-authority-data")}


_IN_MINUTES = (
    "max-node-provision-time",
    "scale-down-delay-after-add",
    "scale-down-delay-after-delete",
    "scale-down-delay-after-failure",
    "scale-down-unneeded-time",
    "scale-down-unready-time",
)
_AS_THEY_ARE = (
    "balance-similar-node-groups",
    "expander",
    "max-graceful-termination-sec",
    "new-pod-scale-up-delay",
    "scale-down-utilization-threshold",
    "skip-nodes-with-local-storage",
    "skip-nodes-with-system-pods",
)
"""The flags that AKS passes on; of the times, most in whole minutes alone. Source: the resource's own description."""


def _profile(flags: Mapping[str, str]) -> azure.containerservice.ManagedClusterPropertiesAutoScalerProfileArgs:
    """Write flags as AKS wants them: minutes rounded up, and none of no minute, which is its default."""
    said = {flag: flags[flag] for flag in _AS_THEY_ARE}
    for flag in _IN_MINUTES:
        if minutes := -(-int(flags[flag].removesuffix("s")) // 60):
            said[flag] = f"{minutes}m"
    said["scan-interval"] = flags["scan-interval"].removesuffix("s")
    return azure.containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
        **{flag.replace("-", "_"): value for flag, value in said.items()}
    )
