"""The pods that the proof counts are those that the quota's rules count, and those that are declared."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from node_pools import model
from random_stacks import configurations

from infra.capacity.amounts import total
from infra.capacity.models import model_pods
from infra.settings import Settings
from infra.settings.rules.demand import demands
from infra.settings.rules.raw import models

SCALES = {"cpu": 1000, "memory": 1, "nvidia.com/gpu": 1, "pods": 1}
NAMES = {"nvidia.com/gpu": "gpu"}


def amounts(pods):
    found = total((kind.amounts, count) for kind, count in pods.items())
    return {NAMES.get(key, key): Decimal(found.get(key, 0)) / scale for key, scale in SCALES.items()}


@given(raw=configurations())
@settings(max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_the_proof_and_the_quotas_rules_count_the_same_pods(raw):
    [demand] = [demands(one) for one in models(raw)]
    [counted] = model_pods(Settings.parse(raw))
    size = counted.model.scale.min
    resources = ("cpu", "memory", "gpu", "pods")
    assert amounts(counted.rest(size)) == {key: demand.steady(key) for key in resources}
    changes = [amounts(change.pods) for change in counted.changes(size)]
    assert {key: max((change[key] for change in changes), default=0) for key in resources} == {
        key: demand.change(key) for key in resources
    }


def test_equal_pods_of_different_models_are_one_kind(raw):
    raw["models"] = {"churn": model(), "uplift": model(probes={"ready": "/other"}, port=9000)}
    churn, uplift = model_pods(Settings.parse(raw))
    assert churn.kinds["blue"] == churn.kinds["green"] == uplift.kinds["blue"]


def test_what_the_scheduler_looks_at_is_read_from_the_declared_template(raw):
    placement = {"nodePool": "general", "nodeSelector": {"a": "b"}, "tolerations": ["c=d:NoExecute", "e:NoSchedule"]}
    raw["models"] = {"churn": model(placement=placement, resources={"cpu": "1500m", "memory": "1Gi", "gpu": 2})}
    [churn] = model_pods(Settings.parse(raw))
    kind = churn.serving
    assert kind.amounts == {"cpu": 1500, "memory": 2**30, "nvidia.com/gpu": 2, "pods": 1}
    assert dict(kind.selector) == {"a": "b", "ml-platform/node-pool": "general"}
    for key, value, effect, borne in (
        ("c", "d", "NoExecute", True),
        ("c", "x", "NoExecute", False),
        ("c", "d", "NoSchedule", False),
        ("e", "", "NoSchedule", True),
        ("e", "f", "NoSchedule", False),
        ("nvidia.com/gpu", "present", "NoSchedule", True),
        ("nvidia.com/gpu", "present", "NoExecute", False),
        ("ml-platform/node-pool", "general", "NoSchedule", True),
        ("ml-platform/node-pool", "other", "NoSchedule", False),
    ):
        assert kind.tolerates({"key": key, "value": value, "effect": effect}) is borne
