"""Where the kinds of add-ons keep their pods, and what is none of theirs."""

from __future__ import annotations

import pytest

from policies.rules import RULES, UNKNOWN
from policies.rules.pods import POD_KINDS, SERVING_KINDS

RULE = next(rule for rule in RULES if rule.id == "no-automount-token")
POD = {"containers": [{"name": "a"}]}
TEMPLATE = {"template": {"spec": POD}}
RAY = {"headGroupSpec": TEMPLATE, "workerGroupSpecs": [TEMPLATE, TEMPLATE]}
RAY_PLACES = ["headGroupSpec.template", "workerGroupSpecs[0].template", "workerGroupSpecs[1].template"]
KNATIVE = "serving.knative.dev/v1"
DASK = {"spec": POD}


@pytest.mark.parametrize(
    ("kind", "version", "spec", "places"),
    [
        ("Rollout", "argoproj.io/v1alpha1", TEMPLATE, ["template"]),
        ("CloneSet", "apps.kruise.io/v1alpha1", TEMPLATE, ["template"]),
        ("Service", KNATIVE, TEMPLATE, ["template"]),
        ("Configuration", KNATIVE, TEMPLATE, ["template"]),
        ("PyTorchJob", "kubeflow.org/v1", {"pytorchReplicaSpecs": {"Worker": TEMPLATE}}, ["Worker"]),
        ("TFJob", "kubeflow.org/v1", {"tfReplicaSpecs": {"PS": TEMPLATE, "Chief": TEMPLATE}}, ["PS", "Chief"]),
        ("MPIJob", "kubeflow.org/v1", {"mpiReplicaSpecs": {"Launcher": TEMPLATE}}, ["Launcher"]),
        ("XGBoostJob", "kubeflow.org/v1", {"xgbReplicaSpecs": {"Master": TEMPLATE}}, ["Master"]),
        ("PaddleJob", "kubeflow.org/v1", {"paddleReplicaSpecs": {"Worker": TEMPLATE}}, ["Worker"]),
        ("JobSet", "jobset.x-k8s.io/v1alpha2", {"replicatedJobs": [{"template": {"spec": TEMPLATE}}]}, ["Jobs[0]"]),
        (
            "LeaderWorkerSet",
            "leaderworkerset.x-k8s.io/v1",
            {"leaderWorkerTemplate": {f"{role}Template": {"spec": POD} for role in ("leader", "worker")}},
            ["leaderTemplate", "workerTemplate"],
        ),
        ("ScaledJob", "keda.sh/v1alpha1", {"jobTargetRef": TEMPLATE}, ["jobTargetRef.template"]),
        (
            "SparkApplication",
            "sparkoperator.k8s.io/v1beta2",
            {"driver": TEMPLATE, "executor": TEMPLATE},
            ["driver", "executor"],
        ),
        ("ScheduledSparkApplication", "sparkoperator.k8s.io/v1beta2", {"template": {"driver": TEMPLATE}}, ["driver"]),
        ("RayCluster", "ray.io/v1", RAY, RAY_PLACES),
        (
            "RayJob",
            "ray.io/v1",
            {"submitterPodTemplate": {"spec": POD}, "rayClusterSpec": RAY},
            ["submitterPodTemplate", *RAY_PLACES],
        ),
        ("RayService", "ray.io/v1", {"rayClusterConfig": RAY}, RAY_PLACES),
        ("DaskCluster", "kubernetes.dask.org/v1", {"scheduler": DASK, "worker": DASK}, ["scheduler", "worker"]),
        ("DaskWorkerGroup", "kubernetes.dask.org/v1", {"worker": DASK}, ["worker"]),
        (
            "DaskJob",
            "kubernetes.dask.org/v1",
            {"job": DASK, "cluster": {"spec": {"scheduler": DASK, "worker": DASK}}},
            ["spec.job", "scheduler", "worker"],
        ),
    ],
)
def test_each_pod_template_of_an_object_is_judged(kind, version, spec, places, told):
    found = told(RULE, {"kind": kind, "apiVersion": version, "spec": spec})
    assert len(found) == len(places)
    for line, place in zip(found, places, strict=True):
        path, _, rest = line.partition(".spec.automountServiceAccountToken: ")
        assert rest == "an API token is mounted"
        assert place in path


@pytest.mark.parametrize(
    ("kind", "version", "spec", "paths"),
    [
        ("Revision", KNATIVE, POD, ["spec"]),
        ("InferenceService", "serving.kserve.io/v1beta1", {"predictor": POD}, ["spec.predictor"]),
        (
            "InferenceService",
            "serving.kserve.io/v1beta1",
            {"predictor": POD, "transformer": POD, "explainer": POD},
            ["spec.predictor", "spec.transformer", "spec.explainer"],
        ),
        ("ServingRuntime", "serving.kserve.io/v1alpha1", POD, ["spec"]),
        ("ClusterServingRuntime", "serving.kserve.io/v1alpha1", POD, ["spec"]),
    ],
)
def test_a_pods_specification_may_stand_among_other_fields(kind, version, spec, paths, told):
    found = told(RULE, {"kind": kind, "apiVersion": version, "spec": spec})
    assert found == [f"{path}.automountServiceAccountToken: an API token is mounted" for path in paths]


@pytest.mark.parametrize(
    ("kind", "version", "spec"),
    [
        ("Service", "v1", TEMPLATE),
        ("Service", "", TEMPLATE),
        ("Service", "serving.knative.development/v1", TEMPLATE),
        ("Configuration", "pkg.crossplane.io/v1", TEMPLATE),
        ("Revision", "example.com/v1", POD),
        ("Service", KNATIVE, {}),
        ("InferenceService", "serving.kserve.io/v1beta1", {}),
        ("RayCluster", "ray.io/v1", {}),
        ("LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1", {"leaderWorkerTemplate": {}}),
        ("PyTorchJob", "kubeflow.org/v1", {"pytorchReplicaSpecs": {}}),
        ("PyTorchJob", "kubeflow.org/v1", {"pytorchReplicaSpecs": "text"}),
    ],
)
def test_what_has_no_such_part_has_no_pods_there(kind, version, spec, told):
    assert told(RULE, {"kind": kind, "apiVersion": version, "spec": spec}, f"kubernetes:{version or 'v1'}:{kind}") == []


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("Deployment", {}, "spec.template.spec"),
        ("Deployment", {"template": {}}, "spec.template.spec"),
        ("Pod", None, "spec"),
        ("Rollout", {}, "spec.template.spec"),
        ("DaskWorkerGroup", {}, "spec.worker.spec"),
        ("ScaledJob", {}, "spec.jobTargetRef.template.spec"),
    ],
)
def test_a_part_that_must_be_there_is_judged_where_it_is_missing(kind, spec, path, told):
    assert told(RULE, {"kind": kind, "spec": spec}) == [f"{path}.automountServiceAccountToken: an API token is mounted"]


def test_a_part_that_is_not_known_is_not_checked(told):
    groups = {"workerGroupSpecs": UNKNOWN, "headGroupSpec": TEMPLATE}
    found = told(RULE, {"kind": "RayCluster", "apiVersion": "ray.io/v1", "spec": groups})
    assert found == [
        "spec.headGroupSpec.template.spec.automountServiceAccountToken: an API token is mounted",
        "spec.workerGroupSpecs.*.template.spec.automountServiceAccountToken?",
    ]


def test_kinds_whose_pods_are_meant_to_run_on_are_those_that_have_replicas():
    assert {
        *("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"),
        *("Rollout", "CloneSet"),
    } == SERVING_KINDS
    assert SERVING_KINDS < POD_KINDS
