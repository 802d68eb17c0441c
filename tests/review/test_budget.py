"""Requests are summed for each namespace, before and after, against its quota."""

from __future__ import annotations

from decimal import Decimal

import pytest

from review.budget import budget
from review.events import read_events
from review.quantities import amount, shown


def rows(log):
    return {row.resource: row for row in budget(read_events(log.lines).steps)}


def scaler(name, least, most):
    reference = {"kind": "Deployment", "name": name}
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "fraud-prod"},
        "spec": {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": reference},
    }


def test_an_autoscaler_says_how_many_pods_there_are_at_rest_and_at_most(log, deployed, limited):
    quota = limited(requests_cpu="10", requests_memory="40Gi", pods="20")
    log.step("same", "v1:ResourceQuota", "quota", old=quota, new=quota)
    log.step("same", "apps/v1:Deployment", "churn", old=deployed("churn"), new=deployed("churn"))
    log.step("update", "autoscaling/v2:HPA", "churn", old=scaler("churn", 2, 8), new=scaler("churn", 6, 30))
    found = rows(log)
    assert found["requests.cpu"].words == "fraud-prod uses 3 of 10 requests.cpu (1 before)"
    assert found["requests.memory"].most == ("8Gi", "30Gi")
    assert (found["pods"].rest, found["pods"].above, found["pods"].above_at_most) == (("2", "6"), False, True)


def test_a_quota_below_what_is_asked_for_at_rest_is_exceeded(log, deployed, limited):
    log.step("update", "v1:ResourceQuota", "q", old=limited(requests_cpu="4"), new=limited(requests_cpu="500m"))
    log.step("same", "apps/v1:Deployment", "churn", old=deployed("churn"), new=deployed("churn"))
    [row] = rows(log).values()
    assert (row.above, row.quota, row.rest) == (True, ("4", "0.5"), ("1", "1"))


def test_what_is_deleted_is_asked_for_no_more(log, deployed, limited):
    quota = limited(pods="10")
    log.step("same", "v1:ResourceQuota", "quota", old=quota, new=quota)
    log.step("delete", "apps/v1:Deployment", "churn", old=deployed("churn"))
    assert rows(log)["pods"].rest == ("2", "0")


def test_a_replacement_counts_once(log, deployed, limited):
    quota = limited(pods="10")
    log.step("same", "v1:ResourceQuota", "quota", old=quota, new=quota)
    for operation in ("delete-replaced", "replace", "create-replacement"):
        log.step(operation, "apps/v1:Deployment", "churn", old=deployed("churn"), new=deployed("churn", replicas=3))
    assert rows(log)["pods"].rest == ("2", "3")


def test_init_containers_count_where_they_ask_for_more_and_limits_where_nothing_is_requested(log, deployed, limited):
    each = deployed("churn", replicas=1, requests={"cpu": "1"})
    pod = each["spec"]["template"]["spec"]
    pod["initContainers"] = [{"name": "fetch", "resources": {"requests": {"cpu": "3"}}}]
    pod["containers"].append({"name": "gpu", "resources": {"limits": {"nvidia.com/gpu": "1"}}})
    quota = {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "fraud-prod"}}
    quota["spec"] = {"hard": {"requests.cpu": "8", "requests.nvidia.com/gpu": "4"}}
    log.step("create", "v1:ResourceQuota", "quota", new=quota)
    log.step("create", "apps/v1:Deployment", "churn", new=each)
    found = rows(log)
    assert found["requests.cpu"].rest == ("0", "3")
    assert found["requests.nvidia.com/gpu"].rest == ("0", "1")
    assert found["requests.nvidia.com/gpu"].quota == (None, "4")


@pytest.mark.parametrize(
    ("text", "number"), [("500m", "0.5"), ("2", "2"), ("1Gi", str(2**30)), ("1e3", "1000"), ("3k", "3000"), (2.0, "2")]
)
def test_quantities_are_read_as_kubernetes_does(text, number):
    assert amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "many", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", None, True])
def test_what_is_no_quantity_is_none(text):
    assert amount(text) is None


def test_amounts_are_shown_as_people_write_them():
    assert [shown(Decimal(number), "requests.memory") for number in (2**30, 3 * 2**29, 0)] == ["1Gi", "1.5Gi", "0"]
    assert [shown(Decimal(number), "requests.cpu") for number in ("0.5", "40", "1.25")] == ["0.5", "40", "1.25"]
