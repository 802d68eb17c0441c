"""When a PersistentVolumeClaim is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import warnings_about
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, failed, ready, waiting

__all__ = ["PERSISTENT_VOLUME_CLAIM"]


def judge(cluster: Cluster, obj: Object) -> Verdict:
    """Ready when bound, or when its class binds only once a pod uses it: then the pod would wait for us and we for it.

    Unlike upstream, a claim of such a class that is bound already (found on a refresh, say) is ready too.
    """
    phase = dig(obj, "status", "phase", default="Pending")
    if phase == "Bound":
        return ready(f"{name_of(obj)} is bound")
    if phase == "Lost":
        return failed(f"{name_of(obj)} has lost its volume {dig(obj, 'spec', 'volumeName', default='')}")
    chosen = dig(obj, "spec", "storageClassName")
    if chosen:
        storage_class = cluster.get("storage.k8s.io/v1", "StorageClass", chosen, None)
        if storage_class is None:
            return waiting(f"[1/1] Waiting for {name_of(obj)} to be bound; there is no storage class {chosen}")
        if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
            return ready(f"{name_of(obj)} will be bound when a pod uses it")
        return waiting(f"[1/1] Waiting for {name_of(obj)} to be bound by storage class {chosen}")
    return waiting(f"[1/1] Waiting for {name_of(obj)} to be bound; it has no storage class, so a volume must match it")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Repeat the last thing that the provisioner complained of."""
    return warnings_about(cluster, obj)[:1]


# Upstream: untilCoreV1PersistentVolumeClaimReady in provider/pkg/await/awaiters.go.
PERSISTENT_VOLUME_CLAIM = Rule(judge=judge, explain=explain, timeout=300.0)
