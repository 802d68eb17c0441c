"""When a Job is ready: when it has completed."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, count, dig, name_of
from sandbox.plugins.kubernetes.readiness.pods import explain_workload
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, failed, ready, waiting

__all__ = ["JOB"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when complete; failed as soon as the Job controller says so, since it never tries again after that."""
    failure = condition(obj, "Failed")
    if failure.get("status") == "True":
        return failed(f"{name_of(obj)} failed: {failure.get('reason', '?')}: {failure.get('message', '')}")
    if condition(obj, "Complete").get("status") == "True":
        return ready(f"{name_of(obj)} is complete")
    if dig(obj, "spec", "suspend", default=False):
        return waiting(f"[1/2] {name_of(obj)} is suspended; it starts when spec.suspend is false")
    if not dig(obj, "status", "startTime"):
        return waiting(f"[1/2] Waiting for {name_of(obj)} to start")
    wanted = count(obj, "spec", "completions", default=1)
    succeeded, unsuccessful = count(obj, "status", "succeeded"), count(obj, "status", "failed")
    tries = f", {unsuccessful} failed" if unsuccessful else ""
    return waiting(f"[2/2] Waiting for {name_of(obj)} to complete: {succeeded} of {wanted} pods succeeded{tries}")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say how its pods ended, or why they do not start."""
    return explain_workload(cluster, obj, dig(obj, "spec", "selector", default={}))


# Upstream: DefaultJobTimeoutMins in provider/pkg/await/job.go; deletion in awaiters.go.
JOB = Rule(judge=judge, explain=explain, timeout=600.0)
