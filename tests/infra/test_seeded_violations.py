"""One mistake in what the prod stack declares is found by the rule that it breaks, and by no other."""

# ruff: noqa: FBT003  (the wrong value of a field may be true)

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.configured import Configured
from policies.exempt import Exemptions
from policies.judgement import Judgement
from policies.rules import RULES
from policies.unwrap import plain

PROD = (Path(__file__).parents[2] / "stacks" / "Pulumi.prod.yaml").read_text()
CONTAINER = "spec.template.spec.containers.0"
GONE: Any = object()
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "x", "namespace": "fraud-prod"},
}
HOST = {"host": "a.example.com"}
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "x", "namespace": "fraud-prod"},
    "spec": {"rules": [HOST], "tls": [{"hosts": ["a.example.com"]}]},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "x", "namespace": "fraud-prod"},
    "data": {"key": "aHVzaA=="},
}


@dataclass(frozen=True)
class Seed:
    """One mistake: what is put where in which object, or an object that should not be there."""

    rule: str
    object: str = ""
    path: str = ""
    value: Any = GONE
    added: Any = None
    at_the_end: bool = False
    """It is about what is missing, and so known when all is declared."""


def role(verbs, resources):
    return {**ROLE, "rules": [{"apiGroups": [""], "resources": resources, "verbs": verbs}]}


BLUE, EMBEDDER = "Deployment fraud-prod/churn-blue", "Deployment search-prod/embedder"
SCALER, BUDGET = "HorizontalPodAutoscaler fraud-prod/churn-blue", "PodDisruptionBudget fraud-prod/churn-blue"
SERVICE, QUOTA = "Service fraud-prod/churn", "ResourceQuota search-prod/quota"
RIVAL = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "rival", "namespace": "fraud-prod"},
    "spec": {
        "maxReplicas": 3,
        "minReplicas": 2,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn-green"},
    },
}
SEEDS = [
    Seed("requests-limits", BLUE, f"{CONTAINER}.resources.limits"),
    Seed("requests-limits", EMBEDDER, f"{CONTAINER}.resources.limits.nvidia.com/gpu", "2"),
    Seed("probes", BLUE, f"{CONTAINER}.readinessProbe"),
    Seed("image-digest", BLUE, "spec.template.spec.initContainers", "tagged"),
    Seed("read-only-root", BLUE, f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False),
    Seed("no-default-service-account", BLUE, "spec.template.spec.serviceAccountName"),
    Seed("no-automount-token", BLUE, "spec.template.spec.automountServiceAccountToken"),
    Seed("replicas-ha", "HorizontalPodAutoscaler search-prod/embedder", "spec.minReplicas", 1, at_the_end=True),
    Seed("spread", BLUE, "spec.template.spec.topologySpreadConstraints"),
    Seed("rolling-strategy", BLUE, "spec.strategy", {"type": "Recreate"}),
    Seed("grace-period", BLUE, "spec.template.spec.terminationGracePeriodSeconds", 15),
    Seed("rbac-no-wildcards", added=role(["*"], ["pods"])),
    Seed("rbac-no-cluster-admin", "RoleBinding fraud-prod/team-admin", "roleRef.name", "cluster-admin"),
    Seed("rbac-no-escalation", added=role(["impersonate"], ["users"])),
    Seed("rbac-no-secrets-wide", added=role(["list"], ["secrets"])),
    Seed("rbac-no-pod-exec", added=role(["create"], ["pods/exec"])),
    Seed("namespace-labels", "Namespace fraud-prod", "metadata.labels.ml-platform/team"),
    Seed("namespace-quota", "ResourceQuota fraud-prod/quota", "spec.hard.requests.memory", at_the_end=True),
    Seed("namespace-limit-range", "LimitRange fraud-prod/defaults", "spec.limits", [], at_the_end=True),
    Seed("network-default-deny", "NetworkPolicy fraud-prod/deny-all", "spec.egress", [{}], at_the_end=True),
    Seed("no-default-namespace", added={**SECRET, "metadata": {"name": "x", "namespace": "default"}, "data": {}}),
    Seed("ingress-tls", added={**INGRESS, "spec": {"rules": [HOST]}}),
    Seed("ingress-no-wildcard", "HTTPRoute fraud-prod/churn", "spec.hostnames", ["*.example.com"]),
    Seed("service-not-node-port", SERVICE, "spec.type", "NodePort"),
    Seed("service-no-external-ips", SERVICE, "spec.externalIPs", ["192.0.2.1"]),
    Seed("dangling-references", "Service search-prod/embedder", "spec.selector", {"app": "x"}, at_the_end=True),
    Seed("no-secret-in-env", BLUE, f"{CONTAINER}.env", [{"name": "API_KEY", "value": "hush-hush"}]),
    Seed("no-secret-in-config-map", "ConfigMap search-prod/embedder-*", "data.API_KEY", "hush-hush"),
    Seed("no-plain-secret-in-stack", added=SECRET),
    Seed("hpa-target", SCALER, "spec.scaleTargetRef.apiVersion", "extensions/v1beta1"),
    Seed("hpa-bounds", SCALER, "spec.maxReplicas", 1),
    Seed("hpa-owns-replicas", BLUE, "spec.replicas", 3),
    Seed("pdb-allows-disruption", BUDGET, "spec.maxUnavailable", 0),
    Seed("one-autoscaler", added=RIVAL),
    Seed("active-slot-ready-size", SCALER, "spec.minReplicas", 9, at_the_end=True),
    Seed("slots-match-their-versions", BUDGET, "metadata.labels.ml-platform/version", "6"),
    Seed("version-immutable", "Deployment fraud-prod/churn-green", f"{CONTAINER}.image", f"churn@sha256:{'a' * 64}"),
    Seed("await-longer-than-start", EMBEDDER, "spec.progressDeadlineSeconds", 600),
    Seed("gpu-surge-fits-quota", EMBEDDER, "spec.strategy.rollingUpdate.maxSurge", 1, at_the_end=True),
    Seed("pss-privileged", BLUE, f"{CONTAINER}.securityContext.privileged", True),
    Seed("pss-host-namespaces", BLUE, "spec.template.spec.hostNetwork", True),
    Seed("pss-run-as-non-root", BLUE, "spec.template.spec.securityContext.runAsNonRoot"),
    Seed("pss-capabilities-restricted", BLUE, f"{CONTAINER}.securityContext.capabilities.add", ["SYS_ADMIN"]),
    Seed("pss-seccomp-profile-restricted", BLUE, "spec.template.spec.securityContext.seccompProfile"),
]
# Rules that ask for what an organisation chooses.
OFF = {"image-registry", "priority-class", "gpu-budget", "environment-budget"}


@pytest.fixture(scope="module")
def prod(declared):
    found = [(one.type, plain(one.inputs), one.urn) for one in declared(PROD).resources]
    return [one for one in found if one[0].startswith("kubernetes:")]


def spoil(resources, seed):
    """Return the resources with one mistake, and the URN of the one that has it."""
    if seed.added:
        return [*resources, (f"kubernetes:v1:{seed.added['kind']}", seed.added, "urn:added")], "urn:added"
    kind, _, name = seed.object.partition(" ")
    spoilt = copy.deepcopy(resources)
    for resource_type, manifest, urn in spoilt:
        held = f"{manifest['metadata'].get('namespace', '')}/{manifest['metadata']['name']}".lstrip("/")
        fits = held.startswith(name[:-1]) if name.endswith("*") else held == name
        if resource_type.endswith(f":{kind}") and fits:
            put(manifest, seed.path, seed.value)
            return spoilt, urn
    raise AssertionError(f"prod has no {seed.object}")


def put(manifest, path, value):
    inner, keys = manifest, path.split(".")
    while len(keys) > 1:
        key = keys[0]
        # A key may have dots of its own: requests.memory, nvidia.com/gpu.
        whole = ".".join(keys)
        if isinstance(inner, dict) and (whole in inner or ("/" in whole and key not in inner)):
            keys = [whole]
            break
        inner = inner[int(key)] if isinstance(inner, list) else inner.setdefault(key, {})
        keys = keys[1:]
    [last] = keys
    if value is GONE:
        del inner[last]
    elif value == "tagged":
        first = manifest["spec"]["template"]["spec"]["containers"][0]
        inner[last] = [{**first, "name": "fetch", "image": "churn:8"}]
    else:
        inner[last] = value


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.rule}-{seed.object or seed.added['kind']}")
def test_a_mistake_is_found_by_its_rule_alone_and_before_it_is_applied_unless_something_is_missing(seed, prod):
    resources, urn = spoil(prod, seed)
    judgement = Judgement(Configured(), Exemptions((), today=date(2026, 3, 1)))
    early = {resource[2]: judgement.look(*resource) for resource in resources}
    late = judgement.conclude()
    assert {one.rule.id for one in judgement.told} == {seed.rule}
    if seed.at_the_end:
        assert late
    else:
        # Two that contradict each other are stopped at the second, which may be the other one.
        assert early[urn] or any(early.values())
        assert not late
    for one in judgement.told:
        assert one.violation
        assert one.level == "mandatory"
        assert one.title
        assert one.message.endswith(one.rule.remedy)


def test_every_rule_that_speaks_without_configuration_has_its_mistake():
    seeded = {seed.rule for seed in SEEDS}
    implied = {rule.id for rule in RULES if rule.id.startswith("pss-")} | {"image-not-latest"}
    assert {rule.id for rule in RULES} - seeded - OFF <= implied
    assert len(seeded) >= 40
