from __future__ import annotations

import json

import pytest

from components.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs, NodeGroup
from policies.rules import RULES, findings

ARGS = {
    "namespace": "kube-system",
    "image": f"registry.example.com/autoscaler@sha256:{'a' * 64}",
    "cloud": "aws",
    "groups": [NodeGroup(name="prod-general", least=2, most=10), NodeGroup(name="prod-gpu", least=0, most=4)],
    "flags": {"scan-interval": "10s"},
}


@pytest.fixture
def autoscaler(engine):
    return lambda **changes: engine.run(lambda: ClusterAutoscaler("a", ClusterAutoscalerArgs(**ARGS | changes)))


def rules(declared, kind):
    return declared.object(kind, "cluster-autoscaler")["rules"]


def test_it_is_told_where_it_is_which_groups_there_are_and_how_far_each_goes(autoscaler):
    [container] = autoscaler().object("Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [
        "--cloud-provider=aws",
        "--namespace=kube-system",
        "--scan-interval=10s",
        "--nodes=2:10:prod-general",
        "--nodes=0:4:prod-gpu",
    ]


def test_it_writes_nothing_in_the_cluster_but_evictions_taints_and_what_it_has_to_say(autoscaler):
    declared = autoscaler()
    reading = {"get", "list", "watch"}
    writes = {
        (resource, verb)
        for rule in rules(declared, "ClusterRole")
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in reading
    }
    assert writes == {
        ("nodes", "update"),
        ("pods/eviction", "create"),
        ("pods/status", "update"),
        ("events", "create"),
        ("events", "patch"),
    }
    assert all("*" not in json.dumps(rule) for kind in ("ClusterRole", "Role") for rule in rules(declared, kind))
    assert not any("secrets" in rule["resources"] for kind in ("ClusterRole", "Role") for rule in rules(declared, kind))


def test_what_it_changes_in_its_own_namespace_is_bounded_by_name(autoscaler):
    for rule in rules(autoscaler(), "Role"):
        assert "resourceNames" in rule or set(rule["verbs"]) <= {"create", "list", "watch"}


def test_priorities_stand_in_the_config_map_that_it_reads_and_only_where_there_are_any(autoscaler):
    declared = autoscaler(priorities={10: [".*spot.*"], 1: [".*"]})
    written = declared.object("ConfigMap", "cluster-autoscaler-priority-expander")["data"]["priorities"]
    assert json.loads(written) == {"10": [".*spot.*"], "1": [".*"]}
    assert not [one for one in autoscaler().objects() if one[0] == "ConfigMap"]


def test_the_cloud_knows_it_by_its_account(autoscaler):
    declared = autoscaler(identity={"eks.amazonaws.com/role-arn": "arn:x"})
    annotations = declared.object("ServiceAccount", "cluster-autoscaler")["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"] == "arn:x"


def test_it_comes_before_all_else_and_a_drain_may_take_it_away(autoscaler):
    declared = autoscaler()
    spec = declared.object("Deployment", "cluster-autoscaler")["spec"]
    assert spec["template"]["spec"]["priorityClassName"] == "system-cluster-critical"
    assert declared.object("PodDisruptionBudget", "cluster-autoscaler")["spec"]["maxUnavailable"] == 1
    [port] = declared.object("Service", "cluster-autoscaler")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8085, "metrics")


def test_it_keeps_every_rule_of_the_policy_pack(autoscaler):
    broken = [
        f"{resource.name}: {rule.message(finding)}"
        for resource in autoscaler().objects().values()
        for rule in RULES
        for finding in findings(rule, resource.type, dict(resource.inputs))
    ]
    assert broken == []


def test_without_a_group_it_is_refused():
    with pytest.raises(ValueError, match="no node groups"):
        ClusterAutoscalerArgs(**ARGS | {"groups": []})
