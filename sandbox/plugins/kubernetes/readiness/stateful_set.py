"""When a StatefulSet is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, count, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import explain_workload
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, waiting

__all__ = ["STATEFUL_SET"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when every declared pod is ready and the rollout, as far as its strategy goes by itself, is done."""
    if count(obj, "status", "observedGeneration") < count(obj, "metadata", "generation"):
        return waiting(f"[1/2] Waiting for the controller to see the change of {name_of(obj)}")
    wanted = count(obj, "spec", "replicas", default=1)
    present = count(obj, "status", "readyReplicas")
    if present < wanted:
        return waiting(f"[1/2] Waiting for pods of {name_of(obj)}: {present} of {wanted} ready")
    if count(obj, "status", "replicas") > wanted:
        return waiting(f"[2/2] Waiting for surplus pods of {name_of(obj)} to end")
    unfinished = rollout(obj, wanted)
    if unfinished:
        return waiting(f"[2/2] Waiting for pods of {name_of(obj)}: {unfinished}")
    return ready(f"{name_of(obj)} is scaled to zero" if wanted == 0 else f"{name_of(obj)} is ready")


def rollout(obj: Object, wanted: int) -> str:
    """Return how far a rollout that goes on by itself has come, or the empty text when it is done.

    Under strategy OnDelete it goes on only when someone deletes a pod, so there is nothing to wait for.
    """
    if dig(obj, "spec", "updateStrategy", "type", default="RollingUpdate") == "OnDelete":
        return ""
    partition = count(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated = count(obj, "status", "updatedReplicas")
    if partition:
        # Pods below the partition keep the former revision on purpose: the two revisions never become one.
        target = max(wanted - partition, 0)
        return "" if updated >= target else f"{updated} of {target} updated"
    done = dig(obj, "status", "currentRevision") == dig(obj, "status", "updateRevision")
    return "" if done else f"{updated} of {wanted} updated"


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say why pods are not ready, or why none could be made."""
    return explain_workload(cluster, obj, dig(obj, "spec", "selector", default={}))


# Upstream: DefaultStatefulSetTimeoutMins in provider/pkg/await/statefulset.go; deletion in awaiters.go.
STATEFUL_SET = Rule(judge=judge, explain=explain, timeout=600.0, delete_timeout=600.0)
