"""Manifests that break no rule, one a kind, for tests to spoil in one place each."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from policies.rules import findings

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = f"registry.example.com/ml/churn@sha256:{'7' * 64}"

CONTAINER = {
    "name": "model",
    "image": DIGEST,
    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "securityContext": {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    },
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    "ports": [{"containerPort": 8080}],
    "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "x"}}}],
}
POD = {
    "serviceAccountName": "model",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "initContainers": [{**CONTAINER, "name": "fetch"}],
    "containers": [CONTAINER],
    "ephemeralContainers": [{**CONTAINER, "name": "debug"}],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "priorityClassName": "standard",
    "topologySpreadConstraints": [{"labelSelector": {"matchLabels": {"app.kubernetes.io/name": "churn"}}}],
}
# What an organisation chooses; rules that ask for its choice do nothing without.
CHOSEN: dict[str, dict[str, Any]] = {
    "image-registry": {"registries": ["registry.example.com/ml"]},
    "priority-class": {"classes": ["standard"]},
}
LABELS = {"labels": {"app.kubernetes.io/name": "churn"}}

# Kind: API group and version, and the path of its pod's spec.
PLACES = {
    "Pod": ("core/v1", ("spec",)),
    "PodTemplate": ("core/v1", ("template", "spec")),
    "ReplicationController": ("core/v1", ("spec", "template", "spec")),
    "Deployment": ("apps/v1", ("spec", "template", "spec")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec")),
    "DaemonSet": ("apps/v1", ("spec", "template", "spec")),
    "ReplicaSet": ("apps/v1", ("spec", "template", "spec")),
    "Job": ("batch/v1", ("spec", "template", "spec")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec")),
}


def path_of(kind: str) -> str:
    """Return where the pod's spec of this kind stands, as messages have it."""
    return ".".join(PLACES[kind][1])


def type_of(kind: str) -> str:
    """Return the type token of this kind."""
    return f"kubernetes:{PLACES[kind][0]}:{kind}"


def of_kind(kind: str, pod: Any, metadata: Any = None) -> dict[str, Any]:
    """Return an object of this kind with this pod spec, and the pod's own metadata."""
    version = PLACES[kind][0].removeprefix("core/")
    metadata = metadata or LABELS
    outer = {"apiVersion": version, "kind": kind, "metadata": {"name": "churn", "namespace": "fraud-test"}}
    *keys, last = PLACES[kind][1]
    if not keys:
        return {**outer, "metadata": outer["metadata"] | metadata, last: pod}
    inner = {last: pod, "metadata": metadata}
    for key in reversed(keys):
        inner = {key: inner}
    return {**outer, **inner}


@pytest.fixture
def pod() -> dict[str, Any]:
    """A pod spec that breaks no rule."""
    return copy.deepcopy(POD)


@pytest.fixture
def make() -> Callable[..., dict[str, Any]]:
    """Make an object of a kind from a pod spec."""
    return of_kind


@pytest.fixture
def kinds() -> list[str]:
    """Each kind that describes pods. Tests go through them by themselves: a test a kind takes longer to set up."""
    return list(PLACES)


@pytest.fixture
def told() -> Callable[..., list[str]]:
    """Apply a rule to an object; return what it says, unknown values as `path?`."""

    def apply(
        rule: Any, manifest: dict[str, Any], resource_type: str | None = None, chosen: dict[str, Any] | None = None
    ) -> list[str]:
        token = resource_type or (
            type_of(manifest["kind"]) if manifest.get("kind") in PLACES else f"kubernetes:v1:{manifest['kind']}"
        )
        found = findings(rule, token, manifest, CHOSEN.get(rule.id) if chosen is None else chosen)
        return [f"{one.path}?" if one.unknown else f"{one.path}: {one.found}" for one in found]

    return apply


@pytest.fixture
def where() -> Callable[[str], str]:
    return path_of
