from __future__ import annotations

import pytest

from components.labels import owner_labels
from components.model_slot import Floor, ModelSlot, ModelSlotArgs, Scale
from components.slot_pods import Probes


@pytest.fixture
def slot(engine, content):
    def declare(**changes):
        args = {
            "model": "iris",
            "slot": "blue",
            "namespace": "flowers-test",
            "labels": owner_labels(team="flowers", environment="test", name="iris"),
            "service_account": "iris",
            "scale": Scale(min=2, max=6, cpu=60),
            "content": content("1"),
        }
        return engine.run(lambda: ModelSlot("flowers-test/iris-blue", ModelSlotArgs(**args | changes)))

    return declare


def test_a_slot_is_four_objects_of_one_name(slot):
    assert slot().objects().keys() == {
        (kind, "iris-blue") for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service")
    }


def test_an_empty_slot_is_its_service_alone(slot):
    declared = slot(content=None)
    assert declared.objects().keys() == {("Service", "iris-blue")}
    assert (declared.result.image, declared.result.content) == (None, None)


def test_the_service_is_the_same_whatever_the_slot_holds(slot, content):
    services = [slot(content=held).object("Service", "iris-blue") for held in (None, content("1"), content("2"))]
    assert services[0] == services[1] == services[2]


def test_every_object_says_whose_it_is(slot):
    for resource in slot().objects().values():
        metadata = resource.inputs["metadata"]
        assert metadata["namespace"] == "flowers-test"
        assert (
            metadata["labels"].items()
            >= {
                "app.kubernetes.io/name": "iris",
                "app.kubernetes.io/managed-by": "pulumi",
                "ml-platform/team": "flowers",
                "ml-platform/environment": "test",
                "ml-platform/slot": "blue",
            }.items()
        )


def test_what_bears_a_version_is_what_runs_it(slot):
    bearing = {
        kind
        for (kind, _), resource in slot().objects().items()
        if resource.inputs["metadata"]["labels"].get("ml-platform/version") == "1"
    }
    assert bearing == {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}


def test_the_deployment_leaves_its_size_to_the_autoscaler(slot):
    declared = slot()
    assert "replicas" not in declared.object("Deployment", "iris-blue")["spec"]
    target = declared.object("HorizontalPodAutoscaler", "iris-blue")["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-blue"}


def test_a_rollout_never_makes_the_slot_smaller(slot):
    strategy = slot().object("Deployment", "iris-blue")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}


def test_pods_are_selected_by_slot_and_never_by_version(slot):
    declared = slot()
    selector = {"app.kubernetes.io/name": "iris", "ml-platform/slot": "blue"}
    deployment = declared.object("Deployment", "iris-blue")["spec"]
    assert deployment["selector"] == {"matchLabels": selector}
    assert declared.object("Service", "iris-blue")["spec"]["selector"] == selector
    assert declared.object("PodDisruptionBudget", "iris-blue")["spec"]["selector"] == {"matchLabels": selector}
    assert deployment["template"]["metadata"]["labels"].items() >= selector.items()


def test_a_slow_start_is_no_failed_rollout(slot, content):
    slow = content("1", probes=Probes(ready="/r", live="/l", start="/s", start_within=1800))
    spec = slot(content=slow).object("Deployment", "iris-blue")["spec"]
    assert spec["progressDeadlineSeconds"] == 2400


def test_a_rollout_is_waited_for_by_the_guard_and_not_by_the_provider(slot):
    deployment = slot().objects()["Deployment", "iris-blue"]
    assert deployment.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert deployment.timeouts == {}


def test_the_disruption_budget_always_allows_one_pod_to_go(slot):
    spec = slot(scale=Scale(min=1, max=1, cpu=60)).object("PodDisruptionBudget", "iris-blue")["spec"]
    assert spec["maxUnavailable"] == 1
    assert "minAvailable" not in spec
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def autoscaler(declared):
    inputs = declared.object("HorizontalPodAutoscaler", "iris-blue")
    return inputs["spec"]["minReplicas"], inputs["metadata"].get("annotations", {}).get("ml-platform/hold")


@pytest.mark.parametrize(
    ("floor", "expected"),
    [
        (None, (2, None)),
        (Floor(min_replicas=1), (1, None)),
        (Floor(min_replicas=0), (1, None)),
        (Floor(min_replicas=4, hold="4 until 2026-03-01T12:00:00Z"), (4, "4 until 2026-03-01T12:00:00Z")),
        (Floor(min_replicas=9, hold="9 until 2026-03-01T12:00:00Z"), (6, "9 until 2026-03-01T12:00:00Z")),
    ],
)
def test_the_floor_is_as_it_was_decided_and_never_above_the_models_scale(slot, floor, expected):
    assert autoscaler(slot(floor=floor)) == expected


def test_the_autoscaler_keeps_to_the_scale_and_the_cpu_target(slot):
    spec = slot().object("HorizontalPodAutoscaler", "iris-blue")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    [metric] = spec["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}


@pytest.mark.parametrize(
    ("least", "most", "message"),
    [(0, 3, "scale.min: 0 is below 1"), (4, 3, "scale.max: 3 is below scale.min: 4")],
)
def test_a_scale_that_no_autoscaler_takes_is_refused(least, most, message):
    with pytest.raises(ValueError, match=message):
        Scale(min=least, max=most, cpu=60)


def test_no_secret_is_declared_where_none_is_asked_for(slot):
    assert slot().of_type("kubernetes:core/v1:Secret") == []


def test_a_slot_does_not_wait_for_endpoints_of_its_service(slot):
    annotations = slot().object("Service", "iris-blue")["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"
