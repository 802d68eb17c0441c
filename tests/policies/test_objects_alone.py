"""Rules about one object that is no workload: each passes, fails, misses a field and meets an unknown value.

A case is an object's fields and what is told of them; `path?` is a value that is not known yet.
"""

from __future__ import annotations

import base64

import pytest

from policies.rules import RULES, UNKNOWN
from policies.rules.concealed import Concealed
from policies.rules.namespaced import NAMESPACED

BY_ID = {rule.id: rule for rule in RULES}
ADMIN = {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}
EDIT = {"kind": "ClusterRole", "name": "edit"}
MASTERS = {"kind": "Group", "name": "system:masters"}
OURS = {"ml-platform/team": "fraud", "ml-platform/environment": "prod"}
LEVEL = "pod-security.kubernetes.io/enforce"
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "churn"}


def granted(*, verbs, resources=("clusterroles",), groups=("",), **more):
    return {"rules": [{"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs), **more}]}


def labelled(**labels):
    return {"metadata": {"name": "fraud-prod", "labels": labels}}


def host(*hosts, **spec):
    return {"spec": {"rules": [{"host": each} if each is not None else {} for each in hosts], **spec}}


def bounds(low, high):
    given = {"minReplicas": low, "maxReplicas": high}
    return {"spec": {key: value for key, value in given.items() if value is not None}}


def target(**changes):
    return {"spec": {"scaleTargetRef": TARGET | changes}}


def binary(text):
    return {"binaryData": {"file": base64.encodebytes(text.encode()).decode()}}


def secret(**data):
    return {"data": data}


PRIVATE = "-----BEGIN RSA PRIVATE KEY-----"
CASES = {
    ("rbac-no-cluster-admin", "ClusterRoleBinding RoleBinding"): [
        ({"roleRef": EDIT, "subjects": [{"kind": "Group", "name": "leads"}]}, []),
        (ADMIN, ["roleRef.name: gives cluster-admin"]),
        ({"roleRef": EDIT, "subjects": [MASTERS]}, ["subjects[0].name: system:masters is past every check"]),
        ({"roleRef": EDIT, "subjects": [{**MASTERS, "kind": "User"}]}, []),
        ({}, []),
        ({"roleRef": None, "subjects": None}, []),
        ({"roleRef": UNKNOWN}, ["roleRef.name?"]),
        ({"roleRef": EDIT, "subjects": UNKNOWN}, ["subjects[0].name?"]),
    ],
    ("rbac-no-escalation", "ClusterRole Role"): [
        (granted(verbs=["get", "list"]), []),
        (granted(verbs=["escalate"]), ['rules[0].verbs: grants "escalate"']),
        (granted(verbs=["impersonate"], resourceNames=["x"]), ['rules[0].verbs: grants "impersonate"']),
        (granted(verbs=["bind"]), ['rules[0].verbs: grants "bind"']),
        (granted(verbs=["bind"], resourceNames=["edit"]), []),
        (granted(verbs=["bind"], resourceNames=["cluster-admin"]), ['rules[0].verbs: grants "bind"']),
        (granted(verbs=["get", UNKNOWN]), ["rules[0].verbs?"]),
        ({}, []),
        ({"rules": [None, "text", {}]}, []),
        ({"rules": UNKNOWN}, ["rules[0].verbs?"]),
    ],
    ("rbac-no-secrets-wide", "ClusterRole Role"): [
        (granted(verbs=["get"], resources=["secrets"]), ["rules[0]: reads every Secret (get secrets)"]),
        (granted(verbs=["list"], resources=["secrets"]), ["rules[0]: reads every Secret (list secrets)"]),
        (granted(verbs=["watch"], resources=["pods", "secrets"]), ["rules[0]: reads every Secret (watch secrets)"]),
        (granted(verbs=["get"], resources=["secrets"], resourceNames=["churn-tls"]), []),
        (granted(verbs=["create", "delete"], resources=["secrets"]), []),
        (granted(verbs=["get"], resources=["configmaps"]), []),
        (granted(verbs=["get"], resources=["secrets"], groups=["example.com"]), []),
        (granted(verbs=["get"], resources=[UNKNOWN]), ["rules[0]?"]),
        ({}, []),
        ({"rules": UNKNOWN}, ["rules[0]?"]),
    ],
    ("rbac-no-pod-exec", "ClusterRole Role"): [
        (granted(verbs=["create"], resources=["pods/exec"]), ["rules[0]: opens a shell in any pod (create pods/exec)"]),
        (granted(verbs=["get"], resources=["pods/attach"]), ["rules[0]: opens a shell in any pod (get pods/attach)"]),
        (granted(verbs=["get"], resources=["nodes/proxy"]), ["rules[0]: opens a shell in any pod (get nodes/proxy)"]),
        (granted(verbs=["get"], resources=["pods", "pods/log"]), []),
        (granted(verbs=["delete"], resources=["pods/exec"]), []),
        (
            granted(verbs=["create"], resources=["pods/exec"], resourceNames=["churn"]),
            ["rules[0]: opens a shell in any pod (create pods/exec)"],
        ),
        (granted(verbs=[UNKNOWN], resources=["pods/exec"]), ["rules[0]?"]),
        (
            {"rules": [UNKNOWN, *granted(verbs=["create"], resources=["pods/exec"])["rules"]]},
            ["rules[0]?", "rules[1]: opens a shell in any pod (create pods/exec)"],
        ),
        ({}, []),
    ],
    ("namespace-labels", "Namespace"): [
        (labelled(**OURS, **{LEVEL: "restricted"}), []),
        (labelled(**OURS, **{LEVEL: "baseline"}), []),
        (labelled(**OURS), [f'metadata.labels["{LEVEL}"]: missing']),
        (labelled(**{LEVEL: "restricted"}), [f'metadata.labels["{name}"]: missing' for name in OURS]),
        (
            labelled(**OURS, **{LEVEL: "privileged"}),
            [f'metadata.labels["{LEVEL}"]: "privileged" is none of restricted, baseline'],
        ),
        (labelled(**OURS, **{LEVEL: UNKNOWN}), [f'metadata.labels["{LEVEL}"]?']),
        ({"metadata": {"labels": UNKNOWN}}, ["metadata.labels?"]),
        ({"metadata": {"name": "kube-system"}}, []),
        ({}, [f'metadata.labels["{name}"]: missing' for name in (LEVEL, *OURS)]),
    ],
    ("no-default-namespace", "ConfigMap Service Job Role Ingress ServiceMonitor"): [
        ({"metadata": {"namespace": "fraud-prod"}}, []),
        ({"metadata": {"namespace": "default"}}, ["metadata.namespace: lives in the namespace default"]),
        ({"metadata": {"namespace": ""}}, ["metadata.namespace: names no namespace"]),
        ({}, ["metadata.namespace: names no namespace"]),
        ({"metadata": UNKNOWN}, ["metadata.namespace?"]),
        ({"metadata": {"namespace": UNKNOWN}}, ["metadata.namespace?"]),
    ],
    ("no-default-namespace", "Namespace ClusterRole StorageClass"): [({}, [])],
    ("ingress-tls", "Ingress"): [
        (host("a.example.com", tls=[{"hosts": ["a.example.com"]}]), []),
        (host("a.example.com", tls=[{"hosts": ["*.example.com"]}]), []),
        (host("a.example.com", tls=[{"secretName": "x"}]), []),
        (host("a.example.com"), ["spec.rules[0].host: a.example.com has no TLS"]),
        (host("a.example.com", tls=[]), ["spec.rules[0].host: a.example.com has no TLS"]),
        (
            host("a.b.example.com", tls=[{"hosts": ["*.example.com"]}]),
            ["spec.rules[0].host: a.b.example.com has no TLS"],
        ),
        (host(None), ["spec.rules[0].host: every host has no TLS"]),
        ({"spec": {"defaultBackend": {}}}, ["spec.tls: every host has no TLS"]),
        ({}, ["spec.tls: every host has no TLS"]),
        (host(UNKNOWN, tls=[{"hosts": ["a"]}]), ["spec.rules[0].host?"]),
        (host("a", tls=UNKNOWN), ["spec.rules[0].host?"]),
    ],
    ("ingress-no-wildcard", "Ingress"): [
        (host("a.example.com"), []),
        (host("*.example.com"), ['spec.rules[0].host: takes every host of "*.example.com"']),
        (host("a", None), ["spec.rules[1].host: takes every host that no one else takes"]),
        (
            {"spec": {"defaultBackend": {"service": {}}}},
            ["spec.defaultBackend: takes every host that no one else takes"],
        ),
        ({}, []),
        (host(UNKNOWN), ["spec.rules[0].host?"]),
    ],
    ("ingress-no-wildcard", "HTTPRoute GRPCRoute TLSRoute"): [
        ({"spec": {"hostnames": ["a.example.com"]}}, []),
        ({"spec": {"hostnames": ["*.example.com"]}}, ['spec.hostnames[0]: takes every host of "*.example.com"']),
        ({"spec": {}}, []),
        ({"spec": {"hostnames": UNKNOWN}}, ["spec.hostnames[0]?"]),
    ],
    ("service-no-external-ips", "Service"): [
        ({"spec": {"externalIPs": ["192.0.2.1"]}}, ["spec.externalIPs: claims the address 192.0.2.1"]),
        ({"spec": {"externalIPs": []}}, []),
        ({"spec": {}}, []),
        ({}, []),
        ({"spec": {"externalIPs": UNKNOWN}}, ["spec.externalIPs?"]),
    ],
    ("no-secret-in-config-map", "ConfigMap"): [
        ({"data": {"app.conf": f"a: b\n{PRIVATE}\nMII"}}, ["data.app.conf: holds a secret in plain text"]),
        (binary(PRIVATE), ["binaryData.file: holds a secret in plain text"]),
        (binary("weights" * 20 + PRIVATE), ["binaryData.file: holds a secret in plain text"]),
        (binary("weights"), []),
        ({"binaryData": {"file": "not base64!"}}, []),
        ({"binaryData": UNKNOWN}, ["binaryData?"]),
    ],
    ("no-plain-secret-in-stack", "Secret"): [
        (secret(key=Concealed("aHVzaA==")), []),
        (secret(key=""), []),
        (secret(key="aHVzaA=="), ["data.key: is kept in the stack's state in plain text"]),
        ({"stringData": {"key": "hush"}}, ["stringData.key: is kept in the stack's state in plain text"]),
        ({}, []),
        (secret(key=UNKNOWN), ["data.key?"]),
        ({"stringData": UNKNOWN}, ["stringData?"]),
    ],
    ("hpa-target", "HorizontalPodAutoscaler"): [
        (target(), []),
        (target(kind="Rollout", apiVersion="argoproj.io/v1alpha1"), []),
        (target(name=None), ["spec.scaleTargetRef: names no target"]),
        (target(kind=None), ["spec.scaleTargetRef: names no target"]),
        (target(kind="DaemonSet"), ["spec.scaleTargetRef.kind: a DaemonSet cannot be scaled"]),
        (
            target(apiVersion="extensions/v1beta1"),
            ["spec.scaleTargetRef.apiVersion: Deployment is in apps/v1, not in extensions/v1beta1"],
        ),
        (target(apiVersion=None), ["spec.scaleTargetRef.apiVersion: Deployment is in apps/v1, not in none"]),
        ({}, ["spec.scaleTargetRef: names no target"]),
        (target(name=UNKNOWN), ["spec.scaleTargetRef?"]),
        ({"spec": UNKNOWN}, ["spec.scaleTargetRef?"]),
    ],
    ("hpa-target", "ScaledObject"): [
        ({"spec": {"scaleTargetRef": {"name": "churn"}}}, []),
        ({"spec": {"scaleTargetRef": {"name": "churn", "kind": "Deployment"}}}, []),
        (
            target(apiVersion="extensions/v1beta1"),
            ["spec.scaleTargetRef.apiVersion: Deployment is in apps/v1, not in extensions/v1beta1"],
        ),
        ({"spec": {}}, ["spec.scaleTargetRef: names no target"]),
    ],
    ("hpa-bounds", "HorizontalPodAutoscaler"): [
        (bounds(2, 6), []),
        (bounds(2, 2), []),
        (bounds(None, 1), []),
        (bounds(0, 6), ["spec.minReplicas: 0 pods serve nobody"]),
        (bounds(3, 2), ["spec.maxReplicas: the maximum 2 is below the minimum 3"]),
        (bounds(2, None), ["spec.maxReplicas: missing"]),
        (bounds("2", 6), ["spec: minReplicas 2 or maxReplicas 6 is no number"]),
        ({}, ["spec.maxReplicas: missing"]),
        (bounds(UNKNOWN, 6), ["spec.minReplicas?"]),
        (bounds(2, UNKNOWN), ["spec.maxReplicas?"]),
    ],
    ("hpa-bounds", "ScaledObject"): [
        ({"spec": {}}, []),
        ({"spec": {"minReplicaCount": 0, "maxReplicaCount": 2}}, []),
        ({"spec": {"maxReplicaCount": 1}}, []),
        (
            {"spec": {"minReplicaCount": 0, "maxReplicaCount": 0}},
            ["spec.maxReplicaCount: 0 pods at most serve nobody, and the API server refuses it"],
        ),
        ({"spec": {"minReplicaCount": -1}}, ["spec.minReplicaCount: -1 pods serve nobody"]),
        ({"spec": {"minReplicaCount": 101}}, ["spec.maxReplicaCount: the maximum 100 is below the minimum 101"]),
    ],
}


@pytest.mark.parametrize(("rule", "kinds"), CASES, ids=" ".join)
def test_an_object_is_told_what_is_wrong_with_it(rule, kinds, told):
    for kind in kinds.split():
        for fields, expected in CASES[rule, kinds]:
            assert told(BY_ID[rule], {"kind": kind, **fields}) == expected, (kind, fields)


def test_a_rule_that_forbids_looks_at_parts_of_objects_and_one_that_asks_does_not(told):
    asking = {rule for (rule, _), cases in CASES.items() for fields, expected in cases if expected and fields == {}}
    for (rule, kinds), cases in CASES.items():
        wrong = [fields for fields, expected in cases if any(not line.endswith("?") for line in expected)]
        for fields in wrong:
            kind = kinds.split()[0]
            found = told(BY_ID[rule], {"kind": kind, **fields}, f"kubernetes:v1:{kind}Patch")
            assert bool(found) is (rule not in asking), (rule, fields)


def test_an_autoscalers_maximum_has_a_ceiling_where_one_is_configured(told):
    rule, scaler = BY_ID["hpa-bounds"], {"kind": "HorizontalPodAutoscaler", **bounds(2, 30)}
    assert told(rule, scaler, chosen={"ceiling": 31}) == []
    assert told(rule, scaler, chosen={"ceiling": 30}) == []
    assert told(rule, scaler, chosen={"ceiling": 20}) == [
        "spec.maxReplicas: the maximum 30 is above the 20 that are allowed"
    ]


def test_labels_and_levels_of_namespaces_are_an_organisations_choice(told):
    rule, namespace = BY_ID["namespace-labels"], {"kind": "Namespace", **labelled(**{LEVEL: "baseline", "owner": "x"})}
    assert told(rule, namespace, chosen={"labels": ["owner"]}) == []
    assert told(rule, namespace, chosen={"labels": ["owner"], "levels": ["restricted"]}) != []


def test_every_workload_and_whatever_else_lives_in_a_namespace_is_asked_for_it():
    assert BY_ID["no-default-namespace"].kinds == NAMESPACED
    assert {"Deployment", "CronJob", "PyTorchJob", "Secret", "HTTPRoute"} <= NAMESPACED
    assert not {"Namespace", "ClusterRole", "ClusterServingRuntime", "PriorityClass"} & NAMESPACED


def test_only_what_pulumi_keeps_in_its_state_is_no_matter_of_plain_files():
    assert [rule.id for rule in RULES if rule.of_state] == ["no-plain-secret-in-stack"]
