"""What rules ask of a stack: objects by name, selectors, and how many pods an update adds."""

from __future__ import annotations

import pytest
from small_objects import deployment, service, stack

from policies.rules import UNKNOWN
from policies.rules.objects import Object
from policies.rules.sizes import surge
from policies.rules.stack import selects


def expression(operator, *values, key="app"):
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ({}, True),
        (None, True),
        ({"matchLabels": {"app": "churn"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchLabels": {"app": "churn", "tier": "web"}}, False),
        ({"matchLabels": {"port": "8080"}}, True),
        (expression("In", "other", "churn"), True),
        (expression("In", "other"), False),
        (expression("In", "churn", key="absent"), False),
        (expression("In", "None", key="absent"), False),
        (expression("NotIn", "churn"), False),
        (expression("NotIn", "other"), True),
        (expression("NotIn", "churn", key="absent"), True),
        (expression("Exists"), True),
        (expression("Exists", key="absent"), False),
        (expression("DoesNotExist"), False),
        (expression("DoesNotExist", key="absent"), True),
        (expression("Like", "churn"), False),
        ({"matchLabels": {"app": "churn"}, **expression("NotIn", "churn")}, False),
        ({"matchLabels": {"app": "other"}, **expression("Exists")}, False),
        (UNKNOWN, None),
        ({"matchLabels": UNKNOWN}, None),
        ({"matchExpressions": [UNKNOWN]}, None),
        ({"matchLabels": UNKNOWN, **expression("Exists", key="absent")}, False),
        ({"matchLabels": {"app": UNKNOWN}}, None),
        ({"matchLabels": {"app": UNKNOWN, "port": "80"}}, False),
        ({"matchExpressions": UNKNOWN}, None),
        (expression(UNKNOWN), None),
        (expression("In", UNKNOWN), None),
        (expression("Exists", key=UNKNOWN), None),
    ],
)
def test_a_selector_takes_labels_as_the_api_server_would(selector, taken):
    assert selects(selector, {"app": "churn", "port": 8080}) is taken


@pytest.mark.parametrize(
    ("selector", "taken"),
    [({}, True), ({"matchLabels": {"app": "churn"}}, None), (expression("DoesNotExist"), None), (UNKNOWN, None)],
)
def test_labels_that_are_not_known_are_taken_by_what_takes_everything(selector, taken):
    assert selects(selector, UNKNOWN) is taken


def an_object(manifest):
    return Object(manifest=manifest, partial=False)


def test_an_object_that_is_declared_anew_takes_the_place_of_the_one_before():
    first, second, other = (an_object(one) for one in (deployment(), deployment(replicas=2), service(None)))
    held = stack([])
    for each in (first, other, second):
        held.add(each)
    name = ("Deployment", "fraud-prod", "churn")
    held.remove(first)
    assert held.named(*name) is second
    assert list(held.of("Deployment", "Service")) == [second, other]
    held.remove(second)
    assert held.named(*name) is None
    assert list(held.of("Deployment", "Service")) == [other] == list(held.within("fraud-prod"))
    assert list(held.within("fraud-prod", "Deployment")) == []


def test_what_was_found_is_found_anew_once_an_object_has_come_or_gone():
    held, found = stack([]), []
    for change in (held.add, held.remove):
        each = an_object(deployment())
        change(each)
        held.kept("key", lambda: found.append("found"))
        held.kept("key", lambda: found.append("found"))
    assert found == ["found"] * 2


@pytest.mark.parametrize(
    ("kind", "spec", "pods", "added"),
    [
        ("Deployment", {}, 4, 1),
        ("Deployment", {}, 5, 2),
        ("Deployment", {}, 0, 0),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": "50%"}}}, 4, 2),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": 3}}}, 1, 3),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": 0}}}, 4, 0),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": "many"}}}, 4, 0),
        ("Deployment", {"strategy": {"type": "Recreate"}}, 4, 0),
        ("StatefulSet", {}, 4, 0),
    ],
)
def test_an_update_adds_pods_by_a_deployments_surge_alone(kind, spec, pods, added):
    assert surge(an_object({"kind": kind, "spec": spec}), pods) == added
