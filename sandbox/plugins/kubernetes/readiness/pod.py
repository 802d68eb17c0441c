"""When a Pod that stands alone is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import explain_pods
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, failed, ready, waiting

__all__ = ["POD"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when its condition Ready says so, or when it has run to its end; phase Failed is final in Kubernetes."""
    phase = dig(obj, "status", "phase", default="Pending")
    if phase == "Failed":
        return failed(f"{name_of(obj)} failed")
    if phase == "Succeeded":
        return ready(f"{name_of(obj)} has succeeded")
    if condition(obj, "Ready").get("status") == "True":
        return ready(f"{name_of(obj)} is ready")
    scheduled = condition(obj, "PodScheduled").get("status") == "True"
    step = "[2/2]" if scheduled else "[1/2]"
    return waiting(f"{step} Waiting for {name_of(obj)} to be {'ready' if scheduled else 'scheduled'}")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say what keeps it from being ready."""
    return explain_pods(cluster, [obj])


# Upstream: DefaultPodTimeoutMins in provider/pkg/await/pod.go; deletion in awaiters.go.
POD = Rule(judge=judge, explain=explain, timeout=600.0)
