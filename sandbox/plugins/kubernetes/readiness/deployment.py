"""When a Deployment is ready: the same questions that `kubectl rollout status` asks."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, count, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import explain_workload, refusal
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, stuck, waiting

__all__ = ["DEPLOYMENT"]

# Written by the Deployment controller on the Deployment and on each of its ReplicaSets.
REVISION = "deployment.kubernetes.io/revision"


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when every declared pod is of the newest template and available, and no older pod is left.

    `availableReplicas` rather than `readyReplicas`: it honours minReadySeconds.
    """
    if count(obj, "status", "observedGeneration") < count(obj, "metadata", "generation"):
        return waiting(f"[1/2] Waiting for the controller to see the change of {name_of(obj)}")
    if dig(obj, "spec", "paused", default=False):
        return waiting(f"[1/2] {name_of(obj)} is paused; it rolls out when spec.paused is removed")
    # An autoscaler may own the number: the live one counts, not the declared one.
    wanted = count(obj, "spec", "replicas", default=1)
    updated = count(obj, "status", "updatedReplicas")
    available = count(obj, "status", "availableReplicas")
    total = count(obj, "status", "replicas")
    if updated >= wanted and available >= wanted and total <= updated:
        return ready(f"{name_of(obj)} is scaled to zero" if wanted == 0 else f"{name_of(obj)} is ready")
    progressing = condition(obj, "Progressing")
    if progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded":
        return stuck(f"{name_of(obj)} made no progress within its deadline: {progressing.get('message', '')}")
    if updated < wanted or available < wanted:
        done = min(updated, available)
        return waiting(f"[1/2] Waiting for pods of {name_of(obj)}: {done} of {wanted} ready")
    return waiting(f"[2/2] Waiting for {total - updated} former pods of {name_of(obj)} to end")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say why pods of the newest template are not ready; pods of older templates are no part of the question."""
    failure = condition(obj, "ReplicaFailure")
    if failure.get("status") == "True":
        return [refusal(str(failure.get("message", "")))]
    newest = newest_replica_set(cluster, obj)
    if newest is None:
        return []
    return explain_workload(cluster, newest, dig(newest, "spec", "selector", default={}))


def newest_replica_set(cluster: Cluster, obj: Object) -> Object | None:
    """Return the ReplicaSet of the Deployment's present revision, or None before the controller has made it."""
    revision = dig(obj, "metadata", "annotations", REVISION)
    uid = dig(obj, "metadata", "uid")
    for candidate in cluster.list("apps/v1", "ReplicaSet", dig(obj, "metadata", "namespace")):
        owners = dig(candidate, "metadata", "ownerReferences", default=[])
        if any(owner.get("uid") == uid for owner in owners) and (
            dig(candidate, "metadata", "annotations", REVISION) == revision
        ):
            return candidate
    return None


# Upstream: DefaultDeploymentTimeoutMins in provider/pkg/await/deployment.go; deletion in awaiters.go.
DEPLOYMENT = Rule(judge=judge, explain=explain, timeout=600.0, delete_timeout=600.0)
