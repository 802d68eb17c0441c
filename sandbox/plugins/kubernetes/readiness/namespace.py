"""When a Namespace is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, dig, name_of
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, failed, ready, waiting

__all__ = ["NAMESPACE"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when active, which it is from the first moment; one that is being deleted accepts nothing new."""
    phase = dig(obj, "status", "phase")
    if phase == "Terminating":
        return failed(f"{name_of(obj)} is still being deleted; run again when it is gone")
    if phase == "Active":
        return ready(f"{name_of(obj)} is active")
    return waiting(f"[1/1] Waiting for {name_of(obj)} to become active")


# Upstream does not wait on creation; the API server sets the phase itself, so this only covers a slow one.
NAMESPACE = Rule(judge=judge, timeout=60.0)
