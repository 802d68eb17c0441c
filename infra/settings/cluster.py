"""Which cluster a stack describes, and how its program finds it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings.errors import quote
from infra.settings.node_pool import NodePool
from infra.settings.values import FrozenMap, Name, Section, empty

__all__ = ["Cluster"]


def _kubeconfig_path(value: str) -> str:
    if "\n" in value or value.lstrip().startswith("{"):
        raise ValueError("a kubeconfig's content holds credentials; allowed: the path of the file")
    if not value.strip():
        raise ValueError(f"empty path {quote(value)}; leave the key out to use KUBECONFIG or ~/.kube/config")
    return value


class Cluster(Section):
    """An existing cluster, reached as kubectl reaches it."""

    provider: Literal["existing"]
    """Who makes the cluster. `existing`: this program brings none of its own up.

    Example: `provider: existing`
    """

    context: Annotated[str, Field(min_length=1)]
    """The kubeconfig's context. Always named: with the current context, a stack would go wherever kubectl last was.

    Upstream: `kubectl --context`.
    Example: `context: prod-eu`
    """

    kubeconfig: Annotated[str, AfterValidator(_kubeconfig_path)] | None = None
    """The kubeconfig's path; `~` is the home directory. By default what kubectl reads: KUBECONFIG, ~/.kube/config.

    Upstream: `kubectl --kubeconfig`.
    Example: `kubeconfig: ~/.kube/prod`
    """

    node_pools: FrozenMap[Name, NodePool] = Field(default_factory=empty)
    """The pools of nodes, by the name that their nodes bear in label `ml-platform/node-pool`. None by default: then
    nothing is proved about room, as for a cluster whose nodes are somebody else's. With pools, what would find no room
    at their maxima is refused before anything is touched.

    Example: `nodePools: {general: {allocatable: {cpu: 3920m, memory: 14.5Gi}, max: 10}}`
    """
