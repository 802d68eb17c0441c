"""The autoscaler's settings are upstream's: names, defaults, and where we differ the reason."""

from __future__ import annotations

import copy

import pytest

from infra.autoscaling import _karpenter, flags
from infra.settings import AutoscalerFlags, Settings, SettingsError

# kubernetes/autoscaler, cluster-autoscaler/config/flags/flags.go and config/const.go, commit 01ea19e5: each flag that
# has a setting, with the default that upstream gives it.
UPSTREAM = {
    "scan-interval": "10s",
    "max-nodes-total": "0",
    "max-node-provision-time": "900s",
    "new-pod-scale-up-delay": "0s",
    "expander": "least-waste",
    "balance-similar-node-groups": "false",
    "expendable-pods-priority-cutoff": "-10",
    "scale-down-enabled": "true",
    "scale-down-unneeded-time": "600s",
    "scale-down-unready-time": "1200s",
    "scale-down-delay-after-add": "600s",
    "scale-down-delay-after-delete": "0s",
    "scale-down-delay-after-failure": "180s",
    "scale-down-utilization-threshold": "0.5",
    "scale-down-gpu-utilization-threshold": "0.5",
    "max-graceful-termination-sec": "600",
    "skip-nodes-with-local-storage": "true",
    "skip-nodes-with-system-pods": "true",
    "cordon-node-before-terminating": "true",
}
# Every model's pod has an emptyDir: with upstream's default no node with a model on it would ever go.
OURS = {"skip-nodes-with-local-storage": "false"}

IMAGE = f"autoscaler@sha256:{'a' * 64}"
POOL = {"allocatable": {"cpu": "16", "memory": "64Gi"}, "max": 9}


@pytest.fixture
def scaled(valid):
    """A configuration with pools of ample room and this autoscaler."""

    def scaled(pool=POOL, **autoscaler):
        raw = copy.deepcopy(valid)
        raw["cluster"]["nodePools"] = {"general": pool}
        raw["models"] = {}
        raw["autoscaler"] = autoscaler
        return raw

    return scaled


def mistakes(raw):
    with pytest.raises(SettingsError) as caught:
        Settings.parse(raw)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_every_setting_is_a_flag_of_upstreams_with_its_default():
    assert flags(AutoscalerFlags()) == UPSTREAM | OURS


def test_what_is_written_reaches_the_command_line_as_go_reads_it(scaled):
    given = {"scanInterval": "1m", "expander": ["priority", "least-waste"], "scaleDownUtilizationThreshold": 0.65}
    raw = scaled(cloud="aws", image=IMAGE, flags=given, priorities={10: [".*spot.*"]})
    chosen = Settings.parse(raw).autoscaler
    told = flags(chosen.flags)
    assert (told["scan-interval"], told["expander"]) == ("60s", "priority,least-waste")
    assert told["scale-down-utilization-threshold"] == "0.65"
    assert chosen.priorities == {10: (".*spot.*",)}


def test_what_it_needs_is_told_at_once(scaled):
    raw = scaled(flags={"expander": ["priority"], "scanInterval": "0s"}, pool={**POOL, "provisioning": "15m"})
    assert mistakes(raw) == [
        "autoscaler.cloud: is missing; the cluster-autoscaler needs where nodes come from",
        'autoscaler.flags.scanInterval: "0s" is too short; at least 1s',
        "autoscaler.image: is missing; the cluster-autoscaler needs its image by digest",
        'autoscaler.priorities: is missing; expander "priority" reads it',
        (
            "cluster.nodePools.general.provisioning: 900 s is as long as the autoscaler waits before it gives a node"
            " up, 900 s; raise autoscaler.flags.maxNodeProvisionTime"
        ),
    ]


def test_where_nobody_brings_nodes_a_pool_has_as_many_as_it_has(scaled):
    [told] = mistakes(scaled(kind="none"))
    assert told.startswith("cluster.nodePools.general.min: min is 0 and max 9, and autoscaler.kind is none")
    assert Settings.parse(scaled(kind="none", pool={**POOL, "min": 9})).autoscaler.kind == "none"


def test_without_pools_there_is_nothing_to_scale(valid):
    raw = copy.deepcopy(valid) | {"autoscaler": {"cloud": "aws", "image": IMAGE}}
    assert mistakes(raw) == ["autoscaler: has nothing to scale; declare cluster.nodePools"]


def test_a_model_is_of_no_class_for_whose_pods_no_node_is_brought(scaled):
    raw = scaled(cloud="aws", image=IMAGE) | {"priorityClasses": {"low": {"value": -11}, "high": {"value": -10}}}
    versions = {"7": {"image": f"churn@sha256:{'7' * 64}"}}
    churn = {"team": "fraud", "priorityClass": "low", "versions": versions, "slots": {"blue": "7"}}
    raw["models"] = {"churn": churn}
    assert mistakes(raw) == [
        (
            "models.churn.priorityClass: has the value -11, for whose pods the autoscaler brings no node: it passes"
            " over all below -10, autoscaler.flags.expendablePodsPriorityCutoff"
        )
    ]
    churn["priorityClass"] = "high"
    assert Settings.parse(raw).models["churn"].priority_class == "high"
    churn["priorityClass"] = "low"
    raw["autoscaler"]["flags"] = {"expendablePodsPriorityCutoff": -11}
    assert Settings.parse(raw).models["churn"].priority_class == "low"


KARPENTER = {
    "kind": "karpenter",
    "image": IMAGE,
    "karpenter": {"nodeClass": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass"}},
}


MACHINE = {**POOL, "instance": "m6i.4xlarge"}


def test_karpenters_defaults_are_upstreams(scaled):
    """pkg/apis/v1/nodepool.go and pkg/operator/options/options.go of kubernetes-sigs/karpenter, v1.12.0."""
    said = Settings.parse(scaled(MACHINE, **KARPENTER)).autoscaler.karpenter
    assert said.disruption.consolidation_policy == "WhenEmptyOrUnderutilized"
    assert said.disruption.consolidate_after == 0
    assert [budget.nodes for budget in said.disruption.budgets] == ["10%"]
    assert said.expire_after == 720 * 3600
    assert said.termination_grace_period is None
    assert (said.batch_idle_duration, said.batch_max_duration) == (1, 10)


def test_null_is_never(scaled):
    karpenter = {**KARPENTER["karpenter"], "expireAfter": None, "disruption": {"consolidateAfter": None}}
    args = _karpenter(
        settings := Settings.parse(scaled(MACHINE, **{**KARPENTER, "karpenter": karpenter})), settings.autoscaler
    )
    assert (args.expire_after, args.disruption["consolidateAfter"]) == ("Never", "Never")


def test_karpenter_is_told_what_it_lacks_and_what_says_nothing_to_it(scaled):
    pool = {**POOL, "min": 2}
    assert mistakes(scaled(pool, kind="karpenter", cloud="aws", flags={"scanInterval": "30s"})) == [
        "autoscaler.cloud: says nothing to karpenter; leave it out",
        "autoscaler.flags: says nothing to karpenter; leave it out",
        "autoscaler.image: is missing; karpenter needs its image by digest",
        "autoscaler.karpenter: is missing; karpenter needs the cloud's nodeClass",
        "cluster.nodePools.general.instance: is missing; karpenter would take any machine, whatever the pool says",
        "cluster.nodePools.general.min: karpenter keeps no idle nodes: it brings them as pods need them; leave min out",
    ]


def test_half_a_schedule_is_no_schedule(scaled):
    said = {**KARPENTER["karpenter"], "disruption": {"budgets": [{"nodes": "0", "schedule": "@daily"}]}}
    [told] = mistakes(scaled(MACHINE, **{**KARPENTER, "karpenter": said}))
    assert "schedule and duration belong together" in told


def test_a_budget_lasts_whole_minutes(scaled):
    said = {**KARPENTER["karpenter"], "disruption": {"budgets": [{"schedule": "@midnight", "duration": "90s"}]}}
    told = mistakes(scaled(MACHINE, **{**KARPENTER, "karpenter": said}))
    assert told == [
        "autoscaler.karpenter.disruption.budgets[0].duration: 90 s is no whole minute, which is all cron knows"
    ]


def test_a_cluster_autoscaler_is_told_nothing_of_karpenter(scaled):
    told = mistakes(scaled(cloud="aws", image=IMAGE, karpenter=KARPENTER["karpenter"]))
    assert told == ["autoscaler.karpenter: says nothing to cluster-autoscaler; leave it out"]


@pytest.mark.parametrize(
    ("budget", "says"),
    [({"nodes": "101%"}, "nodes"), ({"nodes": "few"}, "nodes"), ({"reasons": ["Bored"]}, "reasons")],
)
def test_a_budget_that_upstream_would_refuse_is_refused(scaled, budget, says):
    said = {**KARPENTER["karpenter"], "disruption": {"budgets": [budget]}}
    assert any(says in told for told in mistakes(scaled(MACHINE, **{**KARPENTER, "karpenter": said})))


def test_room_is_kept_on_pools_that_are_there_and_no_pod_of_it_is_larger_than_a_node(scaled):
    raw = scaled(cloud="aws", image=IMAGE, flags={"expendablePodsPriorityCutoff": 0})
    raw["headroom"] = {
        "image": IMAGE,
        "pools": {
            "general": {"pods": 2, "cpu": "17", "memory": "65Gi", "gpu": 1},
            "generel": {"pods": 1, "cpu": "1", "memory": "1Gi"},
        },
    }
    assert mistakes(raw) == [
        "autoscaler.flags.expendablePodsPriorityCutoff: 0 is above -10, headroom's priority, which then brings no node",
        'headroom.pools.general.cpu: "17" is more than a node has, "16"',
        "headroom.pools.general.gpu: is more than a node has, 0",
        'headroom.pools.general.memory: "65Gi" is more than a node has, "64Gi"',
        'headroom.pools.generel: unknown pool "generel"; known: "general"; did you mean "general"?',
    ]
