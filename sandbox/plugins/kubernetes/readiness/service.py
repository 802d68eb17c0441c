"""When a Service is ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, dig, name_of
from sandbox.plugins.kubernetes.readiness.verdict import Rule, Verdict, ready, waiting

__all__ = ["SERVICE"]

# The label that ties an EndpointSlice to its Service (discovery.k8s.io/v1).
OF_SERVICE = "kubernetes.io/service-name"


def judge(cluster: Cluster, obj: Object) -> Verdict:
    """Ready when at least one ready endpoint stands behind it and, for a load balancer, it has an address.

    Headless Services, those of type ExternalName and those without a selector have no endpoints that we could expect.
    Stricter than upstream, which takes an endpoint that is not ready for one (pulumi-kubernetes#3142), and quicker:
    upstream sleeps 10 s after each change of the endpoints, in case more come.
    """
    kind = dig(obj, "spec", "type", default="ClusterIP")
    no_endpoints = (
        kind == "ExternalName"
        or dig(obj, "spec", "clusterIP") == "None"
        or not dig(obj, "spec", "selector", default={})
    )
    if not no_endpoints and not has_ready_endpoint(cluster, obj):
        return waiting(f"[1/2] Waiting for a ready pod behind {name_of(obj)}")
    if kind == "LoadBalancer" and not dig(obj, "status", "loadBalancer", "ingress", default=[]):
        return waiting(f"[2/2] Waiting for an address of {name_of(obj)}; a load balancer has to provide it")
    return ready(f"{name_of(obj)} is ready")


def has_ready_endpoint(cluster: Cluster, obj: Object) -> bool:
    """Tell whether any EndpointSlice of the Service holds an endpoint that takes traffic."""
    name, namespace = dig(obj, "metadata", "name"), dig(obj, "metadata", "namespace")
    slices = cluster.list("discovery.k8s.io/v1", "EndpointSlice", namespace, label_selector=f"{OF_SERVICE}={name}")
    # An absent `ready` means ready: field EndpointConditions.ready of the API reference.
    return any(
        dig(endpoint, "conditions", "ready", default=True)
        for each in slices
        for endpoint in each.get("endpoints") or []
    )


def explain(cluster: Cluster, obj: Object) -> list[str]:
    """Say whether the selector matches no pod at all, or only pods that are not ready."""
    selector = dig(obj, "spec", "selector", default={})
    if not selector or has_ready_endpoint(cluster, obj):
        return []
    words = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    pods = cluster.list("v1", "Pod", dig(obj, "metadata", "namespace"), label_selector=words)
    if not pods:
        return [f"its selector {words} matches no pod"]
    return [f"its selector {words} matches {len(pods)} pod{'s'[: len(pods) != 1]}, none of them ready"]


# Upstream: DefaultServiceTimeoutMins in provider/pkg/await/service.go.
SERVICE = Rule(judge=judge, explain=explain, timeout=600.0)
