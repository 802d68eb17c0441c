from __future__ import annotations

import json

import pytest

from components.karpenter import Karpenter, KarpenterArgs, KarpenterPool, NodeClassRef
from components.node_pool import Taint
from policies.rules import RULES, findings

GPUS = KarpenterPool(
    labels={"ml-platform/node-pool": "gpu"},
    most=4,
    requirements={"kubernetes.io/arch": ["amd64"], "karpenter.sh/capacity-type": ["spot"]},
    taints=[
        Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule"),
        Taint(key="drained", value="", effect="NoExecute"),
    ],
)
ARGS = {
    "namespace": "kube-system",
    "image": f"registry.example.com/karpenter@sha256:{'a' * 64}",
    "node_class": NodeClassRef(group="karpenter.k8s.aws", kind="EC2NodeClass", name="default"),
    "pools": {"general": KarpenterPool(labels={"ml-platform/node-pool": "general"}, most=10), "gpu": GPUS},
    "disruption": {"consolidateAfter": "0s", "budgets": [{"nodes": "10%"}]},
    "expire_after": "720h",
    "flags": {"batch-idle-duration": "1s"},
}


@pytest.fixture
def karpenter(engine):
    return lambda **changes: engine.run(lambda: Karpenter("a", KarpenterArgs(**ARGS | changes)))


def test_each_pool_is_a_node_pool_with_its_bound_its_marks_and_what_it_is_made_of(karpenter):
    spec = karpenter().object("NodePool", "gpu")["spec"]
    assert spec["limits"] == {"nodes": "4"}
    assert spec["disruption"] == ARGS["disruption"]
    assert spec["template"]["metadata"]["labels"] == {"ml-platform/node-pool": "gpu"}
    template = spec["template"]["spec"]
    assert template["nodeClassRef"] == {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}
    assert template["expireAfter"] == "720h"
    assert template["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"key": "drained", "effect": "NoExecute"},
    ]
    assert template["requirements"] == [
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
    ]


def test_a_node_that_goes_waits_for_its_pods_for_ever_unless_a_time_is_given(karpenter):
    template = karpenter().object("NodePool", "gpu")["spec"]["template"]["spec"]
    assert "terminationGracePeriod" not in template
    bounded = karpenter(termination_grace_period="7200s").object("NodePool", "gpu")["spec"]["template"]["spec"]
    assert bounded["terminationGracePeriod"] == "7200s"


def test_pools_come_after_the_controller_so_that_a_destroy_leaves_somebody_to_drain_their_nodes(karpenter):
    declared = karpenter()
    [controller] = declared.of_type("kubernetes:apps/v1:Deployment")
    pools = declared.of_type("kubernetes:karpenter.sh/v1:NodePool")
    assert len(pools) == 2
    assert all(controller.urn in pool.dependencies for pool in pools)


def test_no_right_is_a_wildcard_and_none_reads_secrets(karpenter):
    rules = [
        rule
        for (kind, _), one in karpenter().objects().items()
        if "Role" in kind
        for rule in one.inputs.get("rules", [])
    ]
    assert rules
    assert "*" not in json.dumps(rules)
    assert not any("secrets" in rule["resources"] for rule in rules)
    classes = [rule for rule in rules if rule["apiGroups"] == ["karpenter.k8s.aws"]]
    assert {resource for rule in classes for resource in rule["resources"]} == {
        "ec2nodeclasses",
        "ec2nodeclasses/status",
    }


def test_it_keeps_every_rule_of_the_policy_pack(karpenter):
    broken = [
        f"{resource.name}: {rule.message(finding)}"
        for resource in karpenter().objects().values()
        for rule in RULES
        for finding in findings(rule, resource.type, dict(resource.inputs))
    ]
    assert broken == []


def test_without_a_pool_it_is_refused():
    with pytest.raises(ValueError, match="no pools"):
        KarpenterArgs(**ARGS | {"pools": {}})
