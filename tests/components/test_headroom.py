from __future__ import annotations

import pytest

from components.headroom import Headroom, HeadroomArgs, Room
from components.node_pool import Taint
from policies.rules import RULES, findings

ARGS = {
    "environment": "prod",
    "namespace": "kube-system",
    "image": f"registry.example.com/pause@sha256:{'a' * 64}",
    "pools": {
        "general": Room(pods=1, requests={"cpu": "500m", "memory": "1Gi"}),
        "gpu": Room(
            pods=3,
            requests={"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"},
            taints=[Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")],
        ),
    },
}


@pytest.fixture(scope="module")
def declared(engine):
    return engine.run(lambda: Headroom("a", HeadroomArgs(**ARGS)))


def pod(declared, pool):
    return declared.object("Deployment", f"headroom-prod-{pool}")["spec"]["template"]["spec"]


def test_it_gives_way_to_every_pod_and_takes_the_place_of_none(declared):
    lowest = declared.object("PriorityClass", "headroom-prod")
    assert lowest["value"] < 0
    assert lowest["preemptionPolicy"] == "Never"
    assert pod(declared, "gpu")["priorityClassName"] == "headroom-prod"


def test_it_holds_the_room_that_is_asked_for_on_the_pools_own_nodes(declared):
    spec = pod(declared, "gpu")
    assert spec["nodeSelector"] == {"ml-platform/node-pool": "gpu"}
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    ]
    [container] = spec["containers"]
    assert container["resources"]["requests"] == {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}
    assert declared.object("Deployment", "headroom-prod-gpu")["spec"]["replicas"] == 3


def test_an_up_does_not_wait_for_nodes_that_nobody_needs_yet(declared):
    annotations = declared.object("Deployment", "headroom-prod-gpu")["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"


def test_it_breaks_no_rule_of_the_pack(declared):
    for one in declared.objects().values():
        told = [(rule.id, finding) for rule in RULES for finding in findings(rule, one.type, one.inputs)]
        assert told == []


def test_without_any_pool_it_is_refused():
    with pytest.raises(ValueError, match="headroom: no pools"):
        HeadroomArgs(**ARGS | {"pools": {}})
