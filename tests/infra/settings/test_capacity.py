"""What a team's quota must hold: everything as it stands, and the largest change of one model."""

from __future__ import annotations

import re

import pytest

from infra.settings import Settings, SettingsError


def needed(valid, model, resource="pods", quota="0"):
    """How much of a resource one model is said to need, and the whole sentence."""
    valid["models"] = {"churn": {**valid["models"]["churn"], "route": None, **model}}
    if model.get("strategy"):
        for key in ("slots", "active", "canary", "idle", "analysis"):
            valid["models"]["churn"].pop(key)
    valid["teams"]["fraud"]["quota"] |= {"requests.nvidia.com/gpu": "99", "pods": "99", resource: quota}
    with pytest.raises(SettingsError) as caught:
        Settings.parse(valid)
    [mistake] = caught.value.mistakes
    return int(re.search(r"at least (\d+)", mistake.message)[1]), mistake.message


BOTH = {"slots": {"blue": "7", "green": "7"}, "scale": {"min": 4, "max": 20}, "canary": None}


@pytest.mark.parametrize(
    ("change", "pods"),
    [
        ({"idle": {"size": "warm"}}, 4 + 4 + 1),  # one more while a new version starts
        ({"idle": {"size": "cold"}}, 4 + 0 + 4),  # the other slot as large while it switches
        ({"idle": {"size": 1}}, 4 + 1 + 3),
        ({"idle": {"size": "cold"}, "canary": {"percent": 50}}, 4 + 2 + 2),  # half of the load on half of the pods
        ({"idle": {"size": "cold"}, "canary": {"percent": 1}}, 4 + 1 + 3),
        ({"slots": {"blue": "7"}}, 4 + 1),
    ],
)
def test_slots_count_with_what_they_keep_and_what_a_switch_adds(valid, change, pods):
    assert needed(valid, {**BOTH, **change})[0] == pods


@pytest.mark.parametrize(
    ("change", "pods"),
    [
        ({"strategy": "rolling", "version": "7"}, 4 + 1),
        ({"strategy": "rolling", "version": "7", "rollout": {"maxSurge": 3}}, 4 + 1),  # more is quicker, not needed
        ({"strategy": "rolling", "version": "7", "rollout": {"maxSurge": 0, "maxUnavailable": 1}}, 4),
        ({"strategy": "rolling", "version": "7", "rollout": {"maxUnavailable": "25%"}}, 4),
        ({"strategy": "rolling", "version": "7", "rollout": {"maxUnavailable": "10%"}}, 4 + 1),  # 0.4 pods are none
        ({"strategy": "recreate", "version": "7"}, 4),
    ],
)
def test_a_rolling_model_counts_with_one_surging_pod_unless_one_may_be_missing(valid, change, pods):
    assert needed(valid, {"scale": {"min": 4, "max": 20}, **change})[0] == pods


@pytest.mark.parametrize(
    ("gpus", "change", "proposed"),
    [
        ("8", {**BOTH, "idle": {"size": "warm"}}, "idle: {size: cold} would fit"),
        ("5", BOTH, "strategy: rolling would fit"),
        ("4", BOTH, "strategy: rolling with rollout: {maxSurge: 0, maxUnavailable: 1} would fit"),
        (
            "4",
            {"strategy": "rolling", "version": "7", "scale": {"min": 4}},
            "; rollout: {maxSurge: 0, maxUnavailable: 1}",
        ),
        ("1", {**BOTH, "scale": {"min": 1}, "idle": {}}, "strategy: recreate would fit"),
        ("1", {"strategy": "rolling", "version": "7", "scale": {"min": 1}}, "strategy: recreate would fit"),
    ],
)
def test_for_a_pool_of_gpus_too_small_for_a_surge_what_fits_is_proposed(valid, gpus, change, proposed):
    change = {**change, "resources": {"gpu": 1}}
    assert proposed in needed(valid, change, "requests.nvidia.com/gpu", gpus)[1]


def test_where_nothing_fits_nothing_is_proposed(valid):
    told = needed(valid, {**BOTH, "resources": {"gpu": 1}}, "requests.nvidia.com/gpu", "3")[1]
    assert "fit" not in told


def test_one_change_at_a_time_is_counted_the_largest(valid):
    churn = {**valid["models"]["churn"], **BOTH, "route": None, "idle": {}}
    valid["models"] = {"churn": churn, "uplift": {**churn, "scale": {"min": 2}}}
    valid["teams"]["fraud"]["quota"]["pods"] = "12"
    with pytest.raises(SettingsError, match=r"at least 13: churn 8 .*, uplift 4 .*, 1 more while a new version of"):
        Settings.parse(valid)
    valid["teams"]["fraud"]["quota"]["pods"] = "13"
    assert Settings.parse(valid)


def test_limits_of_cpu_and_memory_count_as_pods_are_given_them(valid):
    valid["teams"]["fraud"]["quota"] |= {"limits.cpu": "5", "limits.memory": "2Gi"}
    model = {**valid["models"]["churn"], "resources": {"cpuLimit": "2"}, "slots": {"blue": "7"}, "canary": None}
    valid["models"] = {"churn": model}
    with pytest.raises(SettingsError) as caught:
        Settings.parse(valid)
    told = {mistake.path[-1]: mistake.message for mistake in caught.value.mistakes}
    assert "ask for at least 6: churn 4" in told.pop("limits.cpu")
    assert "ask for at least 3Gi: churn 2Gi" in told.pop("limits.memory")
    assert told == {}


def of_class(valid, change, **hard):
    """What is said where churn, five pods of it while it changes, is of class serving, whose quota has these bounds."""
    churn = {**valid["models"]["churn"], "route": None, **BOTH, "idle": {"size": "warm"}, "priorityClass": "serving"}
    valid |= {"models": {"churn": churn, "ranker": valid["models"]["ranker"]}}
    valid["priorityClasses"] = {"serving": {"value": 1000}, "batch": {"value": -50}}
    valid["teams"]["fraud"]["quota"] |= {"pods": "99", "requests.nvidia.com/gpu": "99"}
    valid["teams"]["fraud"]["priorityQuotas"] = {"serving": {"pods": "9", **hard}, "batch": {"pods": "1"}}
    churn |= change
    try:
        Settings.parse(valid)
    except SettingsError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def test_a_quota_of_one_class_holds_the_models_of_that_class(valid):
    assert of_class(valid, {}) == []
    assert of_class(valid, {}, pods="8") == [
        (
            'teams.fraud.priorityQuotas.serving.pods: "8" cannot hold its models of this class, which ask for at least'
            " 9: churn 8 (4 pods in blue, 4 in green), 1 more while a new version of churn starts; idle: {size: cold}"
            " would fit for churn"
        )
    ]


def test_a_quota_of_one_class_asks_for_a_cpu_limit_as_any_other(valid):
    assert of_class(valid, {}, **{"limits.cpu": "90"}) == [
        (
            'models.churn.resources.cpuLimit: is missing; the quota of team "fraud" has limits.cpu, to which every pod'
            " counts with a limit of its own"
        )
    ]


def test_a_models_class_is_one_that_is_declared(valid):
    assert of_class(valid, {"priorityClass": "servin"}) == [
        (
            'models.churn.priorityClass: unknown priority class "servin"; known: "serving", "batch"; did you mean'
            ' "serving"?; classes stand in ml-platform:priorityClasses'
        )
    ]
