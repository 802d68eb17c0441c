"""Where each kind of cluster is made: what only one cloud knows."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.settings.checked import Matching
from infra.settings.errors import quote
from infra.settings.values import Section, Text

__all__ = ["Aks", "Eks", "Gke", "Kind"]

_ACCOUNT = re.compile(r"[0-9]{12}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REGION = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
_SMALL_RANGE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}/28")
_NODE_IMAGE = re.compile(r"\S+@sha256:[0-9a-f]{64}")


def _like(pattern: re.Pattern[str], what: str, example: str) -> Matching:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"bad {what} {quote(value)}; allowed: such as {example}")
        return value

    return Matching(check, words=what, pattern=pattern.pattern)


_Region = Annotated[str, _like(_REGION, "region", "eu-central-1, europe-west4 or westeurope")]
_Uuid = Annotated[str, _like(_UUID, "id", "0a1b2c3d-0000-4000-8000-000000000000")]


def _somebody(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("names nobody; allowed: one group or more, by its object id")
    return value


class Eks(Section):
    """Amazon Elastic Kubernetes Service. The zones of all node pools together are the network's: at least two."""

    account: Annotated[Text, _like(_ACCOUNT, "account", '"111122223333"')]
    """The AWS account, in quotes. Required: credentials of another account are refused, instead of making a cluster
    there.

    Upstream: AWS provider `allowedAccountIds`.
    Example: `account: "111122223333"`
    """

    region: _Region
    """The AWS region, with all of the cluster in it.

    Upstream: AWS provider `region`.
    Example: `region: eu-central-1`
    """

    system_instance: Annotated[str, Field(min_length=1)] = "m6i.large"
    """With Karpenter, the machines of the two nodes beside all pools on which it finds a place itself. Two cores and
    8 GiB: Karpenter asks for one core and one GiB, and the cluster's DNS stands there too.

    Upstream: EKS NodeGroup `instanceTypes`.
    Example: `systemInstance: m7g.large`
    """

    admins: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """IAM roles that administer the cluster, beside whoever made it. None by default.

    Upstream: EKS access entries, `AmazonEKSClusterAdminPolicy`.
    Example: `admins: ["arn:aws:iam::111122223333:role/platform"]`
    """


class Gke(Section):
    """Google Kubernetes Engine, a regional cluster with nodes that have no address on the internet."""

    project: Annotated[str, _like(_PROJECT, "project", "acme-ml-prod")]
    """The project in Google Cloud, by its id.

    Upstream: Google Cloud provider `project`.
    Example: `project: acme-ml-prod`
    """

    region: _Region
    """The region; its control plane stands in three of its zones.

    Upstream: Cluster `location`.
    Example: `region: europe-west4`
    """

    control_plane: Annotated[str, _like(_SMALL_RANGE, "range", "172.16.0.0/28, a /28")] = "172.16.0.0/28"
    """The range of the control plane's own addresses, a /28. The one of Google's examples.

    Upstream: `privateClusterConfig.masterIpv4CidrBlock`.
    Example: `controlPlane: 172.16.0.32/28`
    """


class Aks(Section):
    """Azure Kubernetes Service."""

    subscription: _Uuid
    """The Azure subscription, by its id.

    Upstream: Azure Native provider `subscriptionId`.
    Example: `subscription: 0a1b2c3d-0000-4000-8000-000000000000`
    """

    tenant: _Uuid
    """The Microsoft Entra tenant whose users and groups the API server knows.

    Upstream: `aadProfile.tenantID`.
    Example: `tenant: 0a1b2c3d-0000-4000-8000-000000000001`
    """

    admins: Annotated[tuple[_Uuid, ...], Field(strict=False), AfterValidator(_somebody)]
    """Groups of Microsoft Entra that administer the cluster, by their object ids. Required: accounts of the cluster's
    own, which know no person, are switched off.

    Upstream: `aadProfile.adminGroupObjectIDs`.
    Example: `admins: [0a1b2c3d-0000-4000-8000-000000000002]`
    """

    location: _Region
    """The Azure region, with all of the cluster in it.

    Upstream: ManagedCluster `location`.
    Example: `location: westeurope`
    """

    system_instance: Annotated[str, Field(min_length=1)] = "Standard_D4ds_v5"
    """The machines of the three system nodes, which AKS wants beside all pools for its own pods. Four cores and 16 GiB,
    what Microsoft recommends for them, with a disk of their own.

    Upstream: `agentPoolProfiles[].vmSize`, mode `System`.
    Example: `systemInstance: Standard_D4s_v5`
    """

    log_workspace: Annotated[str, Field(min_length=1)] | None = None
    """The id of the Log Analytics workspace that the control plane's logs go to. None by default: then they are
    written nowhere, since Azure has no place for them of its own.

    Upstream: DiagnosticSetting `workspaceId`.
    Example: `logWorkspace: "/subscriptions/0a1b/resourceGroups/a/providers/Microsoft.OperationalInsights/workspaces/b"`
    """

    key_vault: Annotated[str, Field(min_length=1)] | None = None
    """The id of the key vault that holds `encryptionKey`. None by default; needed for a vault that is private.

    Upstream: `azureKeyVaultKms.keyVaultResourceId`.
    Example: `keyVault: "/subscriptions/0a1b/resourceGroups/ops/providers/Microsoft.KeyVault/vaults/ops"`
    """


class Kind(Section):
    """Kubernetes in Docker: nodes are containers on the machine that runs Pulumi."""

    image: Annotated[str, _like(_NODE_IMAGE, "node image", "kindest/node@sha256:<64 hexadecimal digits>")]
    """The nodes' image, by digest, which fixes Kubernetes' version. No default: each release of kind has its own.

    Upstream: `kind create cluster --image`.
    Example: `image: kindest/node@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081`
    """
