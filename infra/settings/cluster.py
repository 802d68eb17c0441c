"""Which cluster a stack describes, who makes it, and how its program finds it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings.checked import Matching
from infra.settings.clouds import Aks, Eks, Gke, Kind
from infra.settings.devices import DevicePlugin
from infra.settings.errors import quote
from infra.settings.ground import ApiAccess, ProviderNetwork
from infra.settings.node_pool import NodePool
from infra.settings.values import FrozenMap, Name, Section, Text, empty

__all__ = ["CLOUDS", "KUBECONFIG", "MADE_HERE", "Cluster"]

KUBECONFIG = "kubeconfig"
"""The output of a stack by which others reach its cluster, where no file of theirs does."""

CLOUDS = ("eks", "gke", "aks")
"""Providers whose control plane, network and nodes this program declares in a cloud."""

MADE_HERE = (*CLOUDS, "kind")
"""Providers whose cluster is one of the stack's own resources."""

_VERSION = re.compile(r"1\.[0-9]{2}")
# A stack of the same project, or whole: Pulumi's own three parts, of which the first two may be left out.
_STACK = re.compile(r"([A-Za-z0-9_.-]+/){0,2}[A-Za-z0-9_.-]+")


def _kubeconfig_path(value: str) -> str:
    if "\n" in value or value.lstrip().startswith("{"):
        raise ValueError("a kubeconfig's content holds credentials; allowed: the path of the file")
    if not value.strip():
        raise ValueError(f"empty path {quote(value)}; leave the key out to use KUBECONFIG or ~/.kube/config")
    return value


def _version(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise ValueError(f'bad version {quote(value)}; allowed: a Kubernetes minor version in quotes, such as "1.36"')
    return value


def _stack(value: str) -> str:
    if not _STACK.fullmatch(value):
        raise ValueError(f"bad stack {quote(value)}; allowed: [<organisation>/<project>/]<stack>")
    return value


class Cluster(Section):
    """The cluster of an environment: one that exists, or one that this stack makes."""

    provider: Literal["existing", "kind", "eks", "gke", "aks"]
    """Who makes the cluster. `existing`: somebody else, or another stack. `kind`: this stack, in containers on the
    machine that runs Pulumi. `eks`, `gke`, `aks`: this stack, in that cloud; each is an extra of this package.

    Upstream: kind, pulumi-eks, pulumi-gcp, pulumi-azure-native.
    Example: `provider: existing`
    """

    context: Annotated[str, Field(min_length=1)] | None = None
    """The kubeconfig's context. Needed for an existing cluster whose kubeconfig is a file: with the current context, a
    stack would go wherever kubectl last was. None otherwise: a kubeconfig that is made for the stack has but one.

    Upstream: `kubectl --context`.
    Example: `context: prod-eu`
    """

    kubeconfig: Annotated[str, AfterValidator(_kubeconfig_path)] | None = None
    """The kubeconfig's path; `~` is the home directory. By default what kubectl reads: KUBECONFIG, ~/.kube/config.

    Upstream: `kubectl --kubeconfig`.
    Example: `kubeconfig: ~/.kube/prod`
    """

    kubeconfig_secret: Name | None = None
    """The name, in `ml-platform:secrets`, of the kubeconfig's text. None by default: a file is renewed by whoever
    renews its credentials, and a secret by hand.

    Example: `kubeconfigSecret: prod-kubeconfig`
    """

    stack: Annotated[str, Matching(_stack, words="stack's name", pattern=_STACK.pattern)] | None = None
    """The stack that makes the cluster and has the output `kubeconfig`, so that the cluster outlives its platform.
    None by default: one stack is less to run.

    Upstream: StackReference.
    Example: `stack: prod-cluster`
    """

    version: Annotated[Text, Matching(_version, words="Kubernetes minor version", pattern=_VERSION.pattern)] | None = (
        None
    )
    """Kubernetes' minor version. Needed where a cloud makes the cluster, which would choose one and move on from it by
    itself. Raising it upgrades the control plane first and then one pool's nodes after the other. For an existing
    cluster: what it is to have, else nothing is touched; any by default.

    Upstream: `gitVersion` of the API server's `/version`.
    Example: `version: "1.36"`
    """

    api_access: ApiAccess = ApiAccess()
    """Who may reach the API server of a cluster that a cloud makes."""

    logs: Annotated[
        tuple[Literal["api", "audit", "controllerManager", "scheduler"], ...], Field(strict=False, max_length=4)
    ] = ("api", "audit")
    """What the control plane writes into the cloud's log service. The two by which one can tell later who did what;
    the others are for those who debug Kubernetes itself, and are paid by their size.

    Upstream: EKS `enabledClusterLogTypes`, GKE `loggingConfig.enableComponents`, AKS diagnostic settings.
    Example: `logs: [api, audit, scheduler]`
    """

    encryption_key: Annotated[str, Field(min_length=1)] | None = None
    """The cloud's name of the key by which Secrets are encrypted once more before they are stored. None by default:
    every cloud encrypts its disks with a key of its own.

    Upstream: EKS `encryptionConfigKeyArn`, GKE `databaseEncryption.keyName`, AKS `azureKeyVaultKms.keyId`.
    Example: `encryptionKey: "arn:aws:kms:eu-central-1:111122223333:key/8a6f"`
    """

    network: ProviderNetwork = ProviderNetwork()
    """The addresses of a cluster that a cloud makes."""

    protect: bool = True
    """Whether Pulumi refuses to delete the control plane that it made, and with it everything on it. By default it
    does: a deleted cluster takes its volumes' claims along.

    Upstream: resource option `protect`.
    Example: `protect: false`
    """

    eks: Eks | None = None
    """Where in AWS. Needed for `provider: eks`, and nothing for another."""

    gke: Gke | None = None
    """Where in Google Cloud. Needed for `provider: gke`, and nothing for another."""

    aks: Aks | None = None
    """Where in Azure. Needed for `provider: aks`, and nothing for another."""

    kind: Kind | None = None
    """From which image nodes are made. Needed for `provider: kind`, and nothing for another."""

    node_pools: FrozenMap[Name, NodePool] = Field(default_factory=empty)
    """The pools of nodes, by the name that their nodes bear in label `ml-platform/node-pool`. None by default: then
    nothing is proved about room, as for a cluster whose nodes are somebody else's. With pools, what would find no room
    at their maxima is refused before anything is touched.

    Example: `nodePools: {general: {allocatable: {cpu: 3920m, memory: 14.5Gi}, max: 10}}`
    """

    device_plugin: DevicePlugin | None = None
    """What tells kubelets of their nodes' GPUs, for `existing` and `aks`. None by default: on EKS and GKE the nodes do,
    and elsewhere NVIDIA's GPU operator may be there already, which brings its own.

    Upstream: NVIDIA `k8s-device-plugin`.
    """

    @property
    def has_a_file(self) -> bool:
        """Whether a kubeconfig of whoever runs this leads to it; else the stack has the output `kubeconfig`."""
        return self.provider == "existing" and self.kubeconfig_secret is None and self.stack is None
