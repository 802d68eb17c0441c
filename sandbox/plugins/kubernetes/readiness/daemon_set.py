"""When a DaemonSet is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, count, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import explain_workload
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, waiting

__all__ = ["DAEMON_SET"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when every node that should run a pod runs an available one of the newest template.

    As upstream, strategy OnDelete is no exception: it then waits until someone has deleted the former pods.
    """
    if count(obj, "status", "observedGeneration") < count(obj, "metadata", "generation"):
        return waiting(f"[1/2] Waiting for the controller to see the change of {name_of(obj)}")
    wanted = count(obj, "status", "desiredNumberScheduled")
    updated = count(obj, "status", "updatedNumberScheduled")
    if updated < wanted:
        by_hand = dig(obj, "spec", "updateStrategy", "type") == "OnDelete"
        how = " (strategy OnDelete: delete the former pods by hand)" if by_hand else ""
        return waiting(f"[1/2] Waiting for pods of {name_of(obj)}: {updated} of {wanted} updated{how}")
    available = count(obj, "status", "numberAvailable")
    if available < wanted:
        return waiting(f"[2/2] Waiting for pods of {name_of(obj)}: {available} of {wanted} ready")
    return ready(f"{name_of(obj)} is ready" if wanted else f"{name_of(obj)} is ready: no node matches it")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say why pods are not ready, or why none could be made."""
    return explain_workload(cluster, obj, dig(obj, "spec", "selector", default={}))


# Upstream: _defaultDaemonSetTimeout in provider/pkg/await/daemonset.go, for deletion as well.
DAEMON_SET = Rule(judge=judge, explain=explain, timeout=600.0, delete_timeout=600.0)
