"""What may be spent, by team, environment and stack."""

from __future__ import annotations

import pytest
from small_objects import an, deployment, hpa, scaled, tell

from policies.rules import UNKNOWN


def of(team, environment="prod"):
    return {"ml-platform/team": team, "ml-platform/environment": environment}


def test_nothing_is_spent_above_a_teams_gpus():
    stack = [deployment(gpu=2, labels=of("fraud")), hpa(1, 3), deployment("other", gpu=5, labels=of("search"))]
    assert tell("gpu-budget", stack) == []
    assert tell("gpu-budget", stack, {"teams": {"fraud": 6}}) == []
    assert tell("gpu-budget", stack, {"teams": {"fraud": 5}}) == [
        "Deployment fraud-prod/churn spec: team fraud requests 6 of GPU, most pods counted; its budget is 5"
    ]
    assert tell("gpu-budget", stack, {"teams": {"fraud": 2}, "count": "least"}) == []
    assert tell("gpu-budget", stack, {"altogether": 11}) == []
    assert tell("gpu-budget", stack, {"altogether": 10}) == [
        "Deployment fraud-prod/other spec: the stack requests 11 of GPU, most pods counted; its budget is 10"
    ]


def test_kedas_own_defaults_are_counted():
    stack = [deployment(gpu=1, labels=of("fraud")), scaled(None)]
    assert tell("gpu-budget", stack, {"altogether": 100}) == []
    assert tell("gpu-budget", stack, {"altogether": 99}) != []
    assert tell("gpu-budget", stack, {"altogether": 0, "count": "least"}) == []


def test_nothing_is_spent_above_an_environments_or_a_teams_requests():
    stack = [
        deployment(cpu="500m", labels=of("fraud")),
        hpa(1, 3),
        deployment("other", replicas=2, labels=of("search")),
    ]
    assert tell("environment-budget", stack) == []
    assert tell("environment-budget", stack, {"environments": {"prod": {"cpu": "3500m"}, "dev": {"cpu": "0"}}}) == []
    assert tell(
        "environment-budget", stack, {"environments": {"prod": {"cpu": "3"}}, "teams": {"fraud": {"cpu": "1"}}}
    ) == [
        "Deployment fraud-prod/other spec: environment prod requests 3.5 of cpu, most pods counted; its budget is 3",
        "Deployment fraud-prod/churn spec: team fraud requests 1.5 of cpu, most pods counted; its budget is 1",
    ]


@pytest.mark.parametrize(
    ("rule", "chosen"), [("gpu-budget", {"altogether": 1}), ("environment-budget", {"teams": {"fraud": {"cpu": "1"}}})]
)
@pytest.mark.parametrize("unknown", [{"cpu": UNKNOWN, "gpu": UNKNOWN}, {"replicas": UNKNOWN, "gpu": 1}])
def test_a_sum_of_what_is_not_known_yet_is_not_checked(rule, chosen, unknown):
    assert tell(rule, [deployment(labels=of("fraud"), **unknown)], chosen) == ["Deployment fraud-prod/churn spec?"]


def test_a_budget_gates_while_a_stack_is_under_way_and_counts_no_pods_whose_autoscaler_is_still_to_come():
    chosen = {"altogether": 2}
    under_way = [deployment(gpu=3, labels=of("fraud"))]
    assert tell("gpu-budget", under_way, chosen, complete=False) == []
    assert tell("gpu-budget", [*under_way, hpa(1, 1)], chosen, complete=False) != []
    assert tell("gpu-budget", [deployment(gpu=3, replicas=1)], chosen, complete=False) != []


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", lambda pod: pod["spec"]),
        ("StatefulSet", lambda pod: {"template": pod, "replicas": 1}),
        ("Job", lambda pod: {"template": pod, "parallelism": 1}),
        ("CronJob", lambda pod: {"jobTemplate": {"spec": {"template": pod}}}),
        ("DaemonSet", lambda pod: {"template": pod}),
    ],
)
def test_every_kind_of_workload_is_counted(kind, spec):
    before = {"resources": {"limits": {"nvidia.com/gpu": 3}}}
    pod = {
        "spec": {"initContainers": [before], "containers": [before, {"resources": {"requests": {"nvidia.com/gpu": 1}}}]}
    }
    workload = an(kind, **spec(pod))
    [told] = tell("gpu-budget", [workload], {"altogether": 3})
    assert "requests 4 of GPU" in told
