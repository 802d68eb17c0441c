"""What a stack is told of its room, and for what it is refused."""

from __future__ import annotations

import json

import pytest
from node_pools import model, pool

from infra.capacity import Verdict, lines, prove, values
from infra.settings import Settings


def stages(proof):
    return {stage.name: (stage.verdict, sum(stage.pods.values()), dict(stage.judged.nodes)) for stage in proof.stages}


def messages(proof):
    return [str(mistake) for mistake in proof.mistakes]


def test_without_pools_nothing_is_said(raw):
    del raw["cluster"]["nodePools"]
    assert prove(Settings.parse(raw)) is None


def test_both_slots_and_one_pod_more_must_fit(proved):
    proof = proved()
    assert stages(proof) == {
        "minimum": (Verdict.FITS, 4, {"general": 2}),
        "switch": (Verdict.FITS, 5, {"general": 3}),
    }
    assert messages(proof) == []


def test_a_cold_slot_counts_when_it_is_switched_to(proved):
    proof = proved(models={"churn": model(idle={"size": "cold"})})
    assert stages(proof)["minimum"] == (Verdict.FITS, 2, {"general": 1})
    assert proof.stages[1].words == "churn switches"
    assert stages(proof)["switch"] == (Verdict.FITS, 4, {"general": 2})


def test_a_pool_too_small_is_refused_with_the_size_that_would_do_and_what_else_would(proved):
    proof = proved(pools={"general": pool(max=2)})
    assert messages(proof) == [
        (
            "cluster.nodePools.general.max: 2 is too few while churn starts a new version: 1 pod finds no room;"
            " 3 would do; or idle: {size: cold} for churn"
        )
    ]


@pytest.mark.parametrize(
    ("most", "change", "instead"),
    [
        (2, {"idle": {"size": "cold"}, "scale": {"min": 3}}, "strategy: rolling"),
        (2, {"scale": {"min": 4}}, "strategy: rolling with rollout: {maxSurge: 0, maxUnavailable: 1}"),
        (1, {"scale": {"min": 1}, "resources": {"cpu": "4", "memory": "4Gi"}}, "strategy: recreate"),
        (1, {"scale": {"min": 9}}, None),
    ],
)
def test_the_strategy_that_fits_is_named(proved, most, change, instead):
    [growth] = proved(pools={"general": pool(max=most)}, models={"churn": model(**change)}).growth
    assert growth.verdict is Verdict.SHORT
    assert growth.instead == instead


@pytest.mark.parametrize(
    ("pools", "change", "told"),
    [
        (
            {"general": pool(), "small": pool(allocatable={"cpu": "2", "memory": "4Gi"})},
            {"resources": {"cpu": "5", "memory": "4Gi"}},
            (
                "models.churn.resources.cpu: a pod of version 1 (cpu 5, memory 4Gi, pods 1) fits no node of any pool;"
                " nearest is general: cpu 5, a node has 4"
            ),
        ),
        (
            {"general": pool(overhead={"memory": "1Gi"})},
            {"resources": {"memory": "15.5Gi"}},
            (
                "models.churn.resources.memory: a pod of version 1 (cpu 500m, memory 15.5Gi, pods 1) fits no"
                " node of any pool; nearest is general: memory 15.5Gi, a node has 15Gi (16Gi less what stands on"
                " every node)"
            ),
        ),
        (
            {"general": pool(taints=["example.com/batch=true:NoSchedule"])},
            {},
            (
                "models.churn.placement: a pod of version 1 (cpu 2, memory 4Gi, pods 1) fits no node of any"
                " pool; nearest is general: taint example.com/batch=true:NoSchedule is not tolerated"
            ),
        ),
        (
            {"general": pool(zones=["a", "b"])},
            {"placement": {"nodeSelector": {"topology.kubernetes.io/zone": "c"}}},
            (
                'models.churn.placement.nodeSelector["topology.kubernetes.io/zone"]: a pod of version 1 (cpu 2,'
                " memory 4Gi, pods 1) fits no node of any pool; nearest is general in a: label"
                " topology.kubernetes.io/zone is to be c, it is a"
            ),
        ),
        (
            {"general": pool()},
            {"resources": {"gpu": 1}},
            (
                "models.churn.resources.gpu: a pod of version 1 (cpu 500m, memory 1Gi, nvidia.com/gpu 1, pods 1)"
                " fits no node of any pool; nearest is general: nvidia.com/gpu 1, a node has 0"
            ),
        ),
    ],
)
def test_a_pod_that_fits_no_node_is_told_the_nearest_pool_and_what_is_missing(proved, pools, change, told):
    proof = proved(pools=pools, models={"churn": model(slots={"blue": "1"}, **change)})
    assert messages(proof) == [told]
    assert proof.verdict is Verdict.SHORT


def test_what_a_version_asks_for_itself_is_found_there(proved):
    versions = model()["versions"] | {"2": {**model()["versions"]["2"], "resources": {"cpu": "9"}}}
    [told] = messages(proved(models={"churn": model(versions=versions)}))
    assert told.startswith("models.churn.versions.2.resources.cpu: a pod of version 2 (cpu 9,")


def test_taints_that_are_a_wish_keep_nobody_away_and_those_that_are_tolerated_neither(proved):
    taints = ["example.com/old:PreferNoSchedule", "example.com/batch=true:NoSchedule", "example.com/own:NoExecute"]
    tolerations = ["example.com/batch=true:NoSchedule", "example.com/own:NoExecute"]
    proved(pools={"general": pool(taints=taints)})
    assert messages(proved(models={"churn": model(placement={"tolerations": tolerations})})) == []
    one = model(placement={"tolerations": tolerations[:1]}, slots={"blue": "1"})
    assert len(messages(proved(models={"churn": one}))) == 1


def test_a_pool_of_its_own_is_reached_by_its_name(proved):
    pools = {"general": pool(), "own": pool(taints=["ml-platform/node-pool=own:NoSchedule"])}
    proof = proved(pools=pools, models={"churn": model(placement={"nodePool": "own"})})
    assert stages(proof)["switch"] == (Verdict.FITS, 5, {"general": 0, "own": 3})


def test_nodes_of_a_zone_are_as_many_as_the_pool_puts_there(proved):
    placement = {"nodeSelector": {"topology.kubernetes.io/zone": "b"}}
    small = model(slots={"blue": "1"}, placement=placement)
    pools = {"general": pool(zones=["a", "b"])}
    [told] = messages(proved(pools=pools, models={"churn": small}))
    # The second node of three is the first zone's: its fourth is the first that helps.
    assert told == (
        "cluster.nodePools.general.max: 3 is too few while churn starts a new version: 1 pod finds no room; 4 would do;"
        " or strategy: rolling with rollout: {maxSurge: 0, maxUnavailable: 1} for churn"
    )


def test_quotas_that_promise_more_than_there_is_are_refused_beyond_the_limit(proved):
    told = messages(proved(capacity={"overcommit": 8}))
    assert told == [
        (
            "capacity.overcommit: all quotas together promise more than 8 times what the pools have at their maxima:"
            " cpu 100 of 12 (8.33), memory 400Gi of 48Gi (8.33); lower quotas, raise max of a pool, or raise this"
        )
    ]
    assert messages(proved(capacity={"overcommit": 8.4})) == []


def test_a_switch_at_the_size_that_serves_now_binds_only_the_run_that_makes_it(raw):
    settings = Settings.parse(raw)
    idle = prove(settings, {"churn": 3})
    assert idle.stages[-1].name == "switch now"
    assert (idle.stages[-1].verdict, idle.mistakes) == (Verdict.FITS, [])
    raw["cluster"]["nodePools"]["general"]["max"] = 3
    raw["models"]["churn"]["scale"] = {"max": 8}
    settings = Settings.parse(raw)
    assert prove(settings, {"churn": 8}).mistakes == []
    [refused] = prove(settings, {"churn": 8}, ["churn"]).mistakes
    assert refused.message.startswith("3 is too few while churn switches: 10 pods find no room; 8 would do")


def test_an_up_that_gives_up_before_a_node_can_have_come_is_told(proved):
    proof = proved()
    [growth] = proof.growth
    assert (growth.seconds, growth.waits, growth.patient) == (300 + 120 + 120, 600, True)
    hasty = proved(guard={"deadline": "5m"})
    assert not hasty.growth[0].patient
    assert any("may take 9m (node, image, start), and an up waits 5m" in line for line in lines(hasty))
    fixed = proved(pools={"general": pool(min=3)}, guard={"deadline": "5m"})
    assert fixed.growth[0].seconds == 120 + 120  # no node has to come


def test_the_table_says_it_in_rows(proved):
    assert lines(proved(models={"churn": model(scale={"min": 2, "max": 3})})) == [
        "capacity           general (0 to 3)  pods",
        "minimum                           2     4  fits",
        "switch                            3     5  fits  churn starts a new version",
        "maximum                           3     5  fits",
        "switch at maximum                 3     6  fits  churn switches",
        "  promised by quotas: cpu 100 of 12 (8.33), memory 400Gi of 48Gi (8.33); at most 100 times",
    ]


def test_everything_is_json_with_the_bill_where_every_pool_has_a_price(proved):
    found = json.loads(json.dumps(values(proved(pools={"general": pool(price=0.25, min=1)}))))
    assert found["verdict"] == "fits"
    assert found["pools"] == {"general": {"min": 1, "max": 3, "price": 0.25}}
    assert found["stages"]["switch"] == {
        "verdict": "fits",
        "pods": 5,
        "nodes": {"general": 3},
        "while": "churn starts a new version",
        "price": 0.75,
    }
    assert found["stages"]["switch at maximum"]["verdict"] == "does not fit"
    assert found["models"]["churn"]["switchAtMaximum"] == "does not fit"


def test_a_quota_that_ends_before_the_largest_size_is_told(proved):
    teams = {"fraud": {"quota": {"requests.cpu": "12", "requests.memory": "400Gi"}}}
    [told] = [line for line in lines(proved(teams=teams)) if "scale.max" in line and line.startswith("  fraud")]
    assert told == ("  fraud: its quota ends before scale.max of all its models and a switch: cpu is 4 short of 16")


def test_a_quota_of_one_class_counts_its_models_alone(proved):
    quota = {"quota": {"requests.cpu": "100", "requests.memory": "400Gi"}}
    teams = {"fraud": {**quota, "priorityQuotas": {"serving": {"pods": "7"}, "batch": {"pods": "1"}}}}
    classes = {"serving": {"value": 1000}, "batch": {"value": -5}}
    models = {"churn": model(priorityClass="serving"), "ranker": model()}
    proof = proved(teams=teams, priorityClasses=classes, models=models)
    assert proof.shortfalls == {"fraud": {"pods of class serving": "1 short of 8"}}
