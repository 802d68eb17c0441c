"""What may be spent, by team, environment and stack."""

from __future__ import annotations

from datetime import date

import pytest
from small_objects import an, deployment, elsewhere, hpa, scaled, tell

from policies.configured import ConfigurationError, Configured
from policies.exempt import Exemptions
from policies.judgement import Judgement
from policies.rules import RULES, UNKNOWN


def of(team, environment="prod"):
    return {"ml-platform/team": team, "ml-platform/environment": environment}


def test_nothing_is_spent_above_a_teams_gpus():
    stack = [deployment(gpu=2, labels=of("fraud")), hpa(1, 3), deployment("other", gpu=5, labels=of("search"))]
    assert tell("gpu-budget", stack) == []
    assert tell("gpu-budget", stack, {"teams": {"fraud": 7}}) == []
    assert tell("gpu-budget", stack, {"teams": {"fraud": 6}}) == []
    assert tell("gpu-budget", stack, {"teams": {"fraud": 5}}) == [
        "Deployment fraud-prod/churn spec: team fraud requests 6 of GPU, most pods counted; its budget is 5"
    ]
    assert len(tell("gpu-budget", stack, {"teams": {"search": 4, "fraud": 5}})) == 2
    assert len(tell("gpu-budget", stack, {"teams": {"nobody": 0, "search": 4, "fraud": 5}})) == 2
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
    assert tell("environment-budget", stack, {"teams": {"fraud": {"cpu": "0"}}}) == [
        "Deployment fraud-prod/churn spec: team fraud requests 1.5 of cpu, most pods counted; its budget is 0"
    ]
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
    assert tell("gpu-budget", [*under_way, deployment("other", gpu=2, replicas=1)], chosen, complete=False) == []
    assert tell("gpu-budget", [*under_way, deployment("other", gpu=3, replicas=1)], chosen, complete=False) != []
    assert tell("gpu-budget", [*under_way, hpa(1, 1)], chosen, complete=False) != []
    assert tell("gpu-budget", [*under_way, hpa(0, 1)], chosen, complete=False) != []
    assert tell("gpu-budget", [*under_way, hpa(0, 1)], chosen | {"count": "least"}, complete=False) == []
    assert tell("gpu-budget", [deployment(gpu=3, replicas=1)], chosen, complete=False) != []


@pytest.mark.parametrize(
    ("kind", "spec", "pods"),
    [
        ("Pod", lambda pod: {**pod["spec"], "replicas": 3}, 1),
        ("StatefulSet", lambda pod: {"template": pod, "replicas": 2}, 2),
        ("StatefulSet", lambda pod: {"template": pod}, 1),
        ("Job", lambda pod: {"template": pod, "parallelism": 3}, 3),
        ("Job", lambda pod: {"template": pod, "replicas": 3}, 1),
        ("CronJob", lambda pod: {"jobTemplate": {"spec": {"template": pod, "parallelism": 2}}}, 2),
        ("CronJob", lambda pod: {"jobTemplate": {"spec": {"template": pod}}, "parallelism": 2}, 1),
        ("DaemonSet", lambda pod: {"template": pod, "replicas": 3}, 1),
    ],
)
def test_every_kind_of_workload_is_counted(kind, spec, pods):
    before = {"resources": {"limits": {"nvidia.com/gpu": 3}}}
    pod = {
        "spec": {"initContainers": [before], "containers": [before, {"resources": {"requests": {"nvidia.com/gpu": 1}}}]}
    }
    workload = an(kind, **spec(pod))
    [told] = tell("gpu-budget", [workload], {"altogether": 3})
    assert f"requests {4 * pods} of GPU" in told


def containers(*gpus):
    return [{} if gpu is None else {"resources": {"limits": {"nvidia.com/gpu": gpu}}} for gpu in gpus]


@pytest.mark.parametrize(
    ("before", "sidecar", "beside", "asked"),
    [
        ([], [], [2, 1], 3),
        ([4], [], [2, 1], 4),
        ([4, 5], [], [2, 1], 5),
        ([1], [2], [2, 1], 5),
        ([3], [2], [], 3),
        ([0], [0], [0, 2], 2),
        ([None], [None], [None, 2, None], 2),
        ([], [2], [], 2),
    ],
)
def test_a_pod_asks_for_what_its_containers_take_at_once(before, sidecar, beside, asked):
    """Init containers run one by one, and a sidecar among them stays."""
    stay = [one | {"restartPolicy": "Always"} for one in containers(*sidecar)]
    pod = an("Pod", initContainers=[*containers(*before), *stay], containers=containers(*beside))
    assert tell("gpu-budget", [pod], {"altogether": asked}) == []
    assert tell("gpu-budget", [pod], {"altogether": asked - 1}) == [
        f"Pod fraud-prod/churn spec: the stack requests {asked} of GPU, most pods counted; its budget is {asked - 1}"
    ]


def test_an_init_container_runs_beside_the_sidecars_before_it_alone():
    stay = [one | {"restartPolicy": "Always"} for one in containers(2)]
    for order, asked in (([*stay, *containers(4)], 6), ([*containers(4), *stay], 4)):
        pod = an("Pod", initContainers=order, containers=containers(1))
        [told] = tell("gpu-budget", [pod], {"altogether": 1})
        assert f"requests {asked} of GPU" in told


def test_what_asks_for_nothing_takes_nothing_from_what_others_ask_for():
    stack = [deployment(gpu=2, replicas=1), deployment("other", gpu=0, replicas=1)]
    assert tell("gpu-budget", stack, {"altogether": 2}) == []
    assert len(tell("gpu-budget", stack, {"altogether": 1})) == 1


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [("gpu-budget", {"altogether": 3}), ("environment-budget", {"environments": {"prod": {"cpu": "1500m"}}})],
)
def test_a_budget_gates_across_namespaces(rule, chosen):
    """Before the second workload is applied, not when all of them are."""
    judgement = Judgement(Configured(options={rule: chosen}), Exemptions(today=date(2026, 1, 1)))
    for place in ("fraud-prod", "risk-prod"):
        one = elsewhere(deployment(gpu=2, replicas=1, labels=of("fraud")), place)
        judgement.look("kubernetes:apps/v1:Deployment", one, f"urn:{place}")
    assert [one.title for one in judgement.told if one.rule.id == rule] == ["Deployment risk-prod/churn"]


def test_a_budget_that_is_no_quantity_is_refused():
    with pytest.raises(ConfigurationError, match="'many' is no quantity; allowed: such as 200, 500m, 16Gi"):
        Configured().changed("environment-budget", None, {"teams": {"fraud": {"cpu": "many"}}})


def test_budgets_alone_look_beyond_a_namespace_at_each_arrival():
    """Every other rule is asked among its neighbours: among all, time would grow with the square of the stack."""
    assert {rule.id for rule in RULES if rule.wide} == {"gpu-budget", "environment-budget"}
