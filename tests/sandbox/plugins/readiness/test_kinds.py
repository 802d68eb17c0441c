"""When each kind is ready, from objects as the API server returns them."""

from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.readiness.timeouts import rule_of
from sandbox.plugins.kubernetes.readiness.verdict import State

VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}


def thing(kind: str, spec: dict | None = None, status: dict | None = None, *, generation: int = 1) -> dict:
    return {
        "apiVersion": VERSIONS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": "iris", "namespace": "fraud", "uid": "u1", "generation": generation},
        "spec": spec or {},
        "status": status or {},
    }


def seen(**status) -> dict:
    return {"observedGeneration": 1, **status}


def on(kind: str, reason: str = "", status: str = "True", message: str = "") -> dict:
    return {"type": kind, "status": status, "reason": reason, "message": message}


TWO = {"replicas": 2}
DONE = seen(replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=2)
LATE = on("Progressing", "ProgressDeadlineExceeded", "False", 'ReplicaSet "iris-1" has timed out progressing.')
REVISIONS = {"currentRevision": "a", "updateRevision": "b"}

CASES = [
    ("Deployment", TWO, DONE, State.READY, "Deployment iris is ready"),
    ("Deployment", TWO, {}, State.WAITING, "[1/2] Waiting for the controller to see"),
    ("Deployment", TWO, {**DONE, "availableReplicas": 1}, State.WAITING, "pods of Deployment iris: 1 of 2 ready"),
    ("Deployment", TWO, {**DONE, "updatedReplicas": 1}, State.WAITING, "pods of Deployment iris: 1 of 2 ready"),
    ("Deployment", TWO, {**DONE, "replicas": 3}, State.WAITING, "[2/2] Waiting for 1 former pods"),
    ("Deployment", {"replicas": 0}, seen(), State.READY, "scaled to zero"),
    ("Deployment", TWO, seen(conditions=[LATE]), State.STUCK, "has timed out progressing"),
    ("Deployment", {**TWO, "paused": True}, seen(), State.WAITING, "is paused"),
    ("StatefulSet", TWO, {**DONE, "currentRevision": "a", "updateRevision": "a"}, State.READY, "is ready"),
    ("StatefulSet", TWO, {**DONE, **REVISIONS}, State.WAITING, "[2/2] Waiting for pods of StatefulSet iris"),
    ("StatefulSet", TWO, seen(readyReplicas=1), State.WAITING, "1 of 2 ready"),
    (
        "StatefulSet",
        {**TWO, "updateStrategy": {"type": "OnDelete"}},
        {**DONE, **REVISIONS},
        State.READY,
        "is ready",
    ),
    (
        "StatefulSet",
        {**TWO, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
        {**DONE, **REVISIONS, "updatedReplicas": 1},
        State.READY,
        "is ready",
    ),
    (
        "DaemonSet",
        {},
        seen(desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2),
        State.READY,
        "ready",
    ),
    ("DaemonSet", {}, seen(desiredNumberScheduled=2, updatedNumberScheduled=2), State.WAITING, "0 of 2 ready"),
    ("DaemonSet", {}, seen(desiredNumberScheduled=2), State.WAITING, "0 of 2 updated"),
    ("DaemonSet", {}, seen(), State.READY, "no node matches it"),
    ("Job", {}, {"startTime": "t", "conditions": [on("Complete")]}, State.READY, "is complete"),
    ("Job", {}, {"startTime": "t", "active": 1}, State.WAITING, "0 of 1 pods succeeded"),
    ("Job", {"suspend": True}, {}, State.WAITING, "is suspended"),
    (
        "Job",
        {},
        {"startTime": "t", "conditions": [on("Failed", "BackoffLimitExceeded", message="Job has reached the limit")]},
        State.FAILED,
        "Job iris failed: BackoffLimitExceeded: Job has reached the limit",
    ),
    ("Pod", {}, {"phase": "Running", "conditions": [on("Ready")]}, State.READY, "is ready"),
    ("Pod", {}, {"phase": "Succeeded"}, State.READY, "has succeeded"),
    ("Pod", {}, {"phase": "Failed"}, State.FAILED, "Pod iris failed"),
    ("Pod", {}, {"phase": "Pending"}, State.WAITING, "[1/2] Waiting for Pod iris to be scheduled"),
    ("Pod", {}, {"phase": "Running", "conditions": [on("PodScheduled")]}, State.WAITING, "[2/2] Waiting for Pod iris"),
    ("Service", {"selector": {"a": "b"}}, {}, State.WAITING, "Waiting for a ready pod behind Service iris"),
    ("Service", {"selector": {"a": "b"}, "clusterIP": "None"}, {}, State.READY, "is ready"),
    ("Service", {"type": "ExternalName"}, {}, State.READY, "is ready"),
    ("Service", {}, {}, State.READY, "is ready"),
    ("Service", {"type": "LoadBalancer"}, {}, State.WAITING, "[2/2] Waiting for an address"),
    ("Ingress", {}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, State.READY, "is ready"),
    (
        "Ingress",
        {"ingressClassName": "nginx"},
        {"loadBalancer": {}},
        State.WAITING,
        "ingress controller of class nginx",
    ),
    ("PersistentVolumeClaim", {}, {"phase": "Bound"}, State.READY, "is bound"),
    ("PersistentVolumeClaim", {}, {"phase": "Pending"}, State.WAITING, "it has no storage class"),
    ("PersistentVolumeClaim", {"storageClassName": "late"}, {"phase": "Pending"}, State.READY, "when a pod uses it"),
    ("PersistentVolumeClaim", {"storageClassName": "now"}, {"phase": "Pending"}, State.WAITING, "by storage class now"),
    ("PersistentVolumeClaim", {"storageClassName": "none"}, {}, State.WAITING, "there is no storage class none"),
    ("PersistentVolumeClaim", {"volumeName": "v"}, {"phase": "Lost"}, State.FAILED, "has lost its volume v"),
    (
        "CustomResourceDefinition",
        {},
        {"conditions": [on("NamesAccepted"), on("Established")]},
        State.READY,
        "established",
    ),
    ("CustomResourceDefinition", {}, {"conditions": [on("NamesAccepted")]}, State.WAITING, "[2/2]"),
    (
        "CustomResourceDefinition",
        {},
        {"conditions": [on("NamesAccepted", "KindConflict", "False", '"Iris" is already in use')]},
        State.WAITING,
        'cannot have its names: "Iris" is already in use',
    ),
    ("Namespace", {}, {"phase": "Active"}, State.READY, "is active"),
    ("Namespace", {}, {"phase": "Terminating"}, State.FAILED, "is still being deleted"),
]


def storage_class(name: str, mode: str) -> dict:
    return {"kind": "StorageClass", "metadata": {"name": name}, "volumeBindingMode": mode}


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}, {case[4]}" for case in CASES])
def test_an_object_is_judged_by_its_status(recorded, case):
    kind, spec, status, state, words = case
    recorded.objects += [storage_class("late", "WaitForFirstConsumer"), storage_class("now", "Immediate")]
    obj = thing(kind, spec, status)
    verdict = rule_of(obj).judge(recorded, obj)
    assert verdict.state is state, verdict
    assert words in verdict.says


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_status_from_before_the_change_is_not_believed(recorded, kind):
    obj = thing(kind, TWO, {**DONE, "desiredNumberScheduled": 0}, generation=2)
    assert rule_of(obj).judge(recorded, obj).state is State.WAITING


@pytest.mark.parametrize(("endpoint", "state"), [(True, State.READY), (False, State.WAITING), (None, State.READY)])
def test_a_service_needs_an_endpoint_that_is_ready(recorded, endpoint, state):
    conditions = {} if endpoint is None else {"ready": endpoint}
    recorded.objects.append(
        {
            "kind": "EndpointSlice",
            "metadata": {"name": "iris-x", "namespace": "fraud", "labels": {"kubernetes.io/service-name": "iris"}},
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions}],
        }
    )
    obj = thing("Service", {"selector": {"app": "iris"}})
    assert rule_of(obj).judge(recorded, obj).state is state


def test_a_service_says_when_its_selector_matches_nothing(recorded):
    obj = thing("Service", {"selector": {"app": "iris", "slot": "blue"}})
    assert rule_of(obj).explain(recorded, obj) == ["its selector app=iris,slot=blue matches no pod"]


def test_an_ingress_names_the_services_that_do_not_exist(recorded):
    path = {"backend": {"service": {"name": "iris"}}}
    obj = thing("Ingress", {"rules": [{"http": {"paths": [path]}}]})
    assert rule_of(obj).explain(recorded, obj) == ["there is no Service iris, to which one of its rules points"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "ConfigMap"), ("serving.knative.dev/v1", "Service"), ("autoscaling/v2", "HorizontalPodAutoscaler")],
)
def test_every_other_kind_has_no_rule(api_version, kind):
    assert rule_of({"apiVersion": api_version, "kind": kind}) is None
