from __future__ import annotations

import pytest

from components.autoscaler import (
    Behavior,
    ExternalMetric,
    Floor,
    PodsMetric,
    Rules,
    Scale,
    Step,
    autoscaler_annotations,
    autoscaler_spec,
)


def spec(floor=None, **scale):
    return autoscaler_spec("iris-blue", Scale(**{"min": 2, "max": 6, "cpu": 60} | scale), floor)


def test_it_keeps_to_the_scale_and_the_use_of_cpu():
    assert spec() == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-blue"},
        "minReplicas": 2,
        "maxReplicas": 6,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
            }
        ],
    }


def test_it_can_keep_to_memory_too_or_alone():
    both, alone = spec(memory=80)["metrics"], spec(cpu=None, memory=80)["metrics"]
    assert [metric["resource"]["name"] for metric in both] == ["cpu", "memory"]
    assert alone == both[1:]


def test_a_metric_of_pods_is_averaged_over_them():
    [metric] = spec(cpu=None, metrics=[PodsMetric(name="requests", per_pod="50", labels={"code": "200"})])["metrics"]
    assert metric == {
        "type": "Pods",
        "pods": {
            "metric": {"name": "requests", "selector": {"matchLabels": {"code": "200"}}},
            "target": {"type": "AverageValue", "averageValue": "50"},
        },
    }


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ({"per_pod": "30"}, {"type": "AverageValue", "averageValue": "30"}),
        ({"total": "1k"}, {"type": "Value", "value": "1k"}),
    ],
)
def test_a_metric_from_outside_counts_a_pod_or_as_a_whole(value, target):
    _, metric = spec(metrics=[ExternalMetric(name="queue", **value)])["metrics"]
    assert metric == {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}


def test_how_fast_it_goes_is_said_only_where_it_was_asked_for():
    assert "behavior" not in spec()
    assert "behavior" not in spec(behavior=Behavior(up=Rules()))
    behavior = Behavior(
        up=Rules(select="Max", policies=[Step(period=15, pods=4), Step(period=60, percent=100)]),
        down=Rules(stabilization=300),
    )
    assert spec(behavior=behavior)["behavior"] == {
        "scaleUp": {
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 60},
            ],
        },
        "scaleDown": {"stabilizationWindowSeconds": 300},
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spec(cpu=None), "no metric is left"),
        (lambda: ExternalMetric(name="q"), "exactly one of perPod and total"),
        (lambda: ExternalMetric(name="q", per_pod="1", total="1"), "exactly one of perPod and total"),
        (lambda: Step(period=15), "exactly one of pods and percent"),
        (lambda: Step(period=15, pods=1, percent=1), "exactly one of pods and percent"),
        (lambda: Step(period=1801, pods=1), "period: 1801 s is not within 1 to 1800 s"),
        (lambda: Step(period=15, pods=0), "less than 1 never changes anything"),
        (lambda: Rules(stabilization=3601), "3601 s is not within 0 to 3600 s"),
    ],
)
def test_what_no_autoscaler_takes_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_floor_keeps_is_written_beside_it():
    floor = Floor(min_replicas=4, hold="4 until 2026-03-01T12:00:00Z", served='{"1":{}}')
    assert spec(floor)["minReplicas"] == 4
    assert autoscaler_annotations(floor) == {
        "ml-platform/hold": "4 until 2026-03-01T12:00:00Z",
        "ml-platform/served": '{"1":{}}',
    }
    assert autoscaler_annotations(Floor(min_replicas=4)) == autoscaler_annotations(None) == {}
