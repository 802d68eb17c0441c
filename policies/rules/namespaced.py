"""Kinds of objects that live in a namespace."""

from __future__ import annotations

from policies.rules.pods import POD_KINDS

__all__ = ["NAMESPACED"]

_CLUSTER_WIDE = {"ClusterServingRuntime"}
_OTHERS = {
    "ConfigMap",
    "Secret",
    "Service",
    "ServiceAccount",
    "Endpoints",
    "EndpointSlice",
    "PersistentVolumeClaim",
    "LimitRange",
    "ResourceQuota",
    "HorizontalPodAutoscaler",
    "VerticalPodAutoscaler",
    "ScaledObject",
    "PodDisruptionBudget",
    "Ingress",
    "NetworkPolicy",
    "Gateway",
    "HTTPRoute",
    "GRPCRoute",
    "Role",
    "RoleBinding",
    "Lease",
    # Of the add-ons that most platforms have.
    "Certificate",
    "Issuer",
    "ExternalSecret",
    "SecretStore",
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
}

NAMESPACED = (POD_KINDS - _CLUSTER_WIDE) | frozenset(_OTHERS)
"""Kinds that are known to. Other custom resources are left out: whether one does is in its definition."""
