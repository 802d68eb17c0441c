"""When an Ingress is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, dig, name_of
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, waiting

__all__ = ["INGRESS"]


def judge(cluster: Cluster, obj: Object) -> Verdict:  # noqa: ARG001  one signature for every kind
    """Ready when an ingress controller has written its address.

    Upstream also looks for the endpoints of each path for a while, and then goes on with a warning when there are
    none; so they decide nothing in the end. We name the missing Services while we wait.
    """
    if dig(obj, "status", "loadBalancer", "ingress", default=[]):
        return ready(f"{name_of(obj)} is ready")
    chosen = dig(obj, "spec", "ingressClassName")
    whose = f"class {chosen}" if chosen else "the default class"
    return waiting(f"[1/1] Waiting for an address of {name_of(obj)}; an ingress controller of {whose} has to write it")


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Name the Services that its rules point to and that do not exist."""
    namespace = dig(obj, "metadata", "namespace")
    missing = [name for name in sorted(backends(obj)) if cluster.get("v1", "Service", name, namespace) is None]
    return [f"there is no Service {name}, to which one of its rules points" for name in missing]


def backends(obj: Object) -> set[str]:
    """Return the names of the Services that its rules point to."""
    rules = dig(obj, "spec", "rules", default=[])
    paths = [path for rule in rules for path in dig(rule, "http", "paths", default=[])]
    targets = [dig(path, "backend", default={}) for path in paths] + [dig(obj, "spec", "defaultBackend", default={})]
    return {name for target in targets if (name := dig(target, "service", "name"))}


# Upstream: DefaultIngressTimeoutMins in provider/pkg/await/ingress.go.
INGRESS = Rule(judge=judge, explain=explain, timeout=600.0)
