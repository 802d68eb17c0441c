from __future__ import annotations

from infra.observed.pictures import routing
from infra.observed.routes import route_seen
from infra.observed.state import RouteSeen


def service(selector, **annotations):
    return {"metadata": {"annotations": annotations}, "spec": {"selector": selector}}


def test_the_place_that_serves_is_what_the_selector_names():
    for place in ("blue", "green", "only"):
        assert routing(service({"app.kubernetes.io/name": "iris", "ml-platform/slot": place})) == place


def test_of_two_slots_that_share_the_traffic_the_active_one_is_written_beside_it():
    shared = {"app.kubernetes.io/name": "iris"}
    assert routing(service(shared, **{"ml-platform/active": "green"})) == "green"
    assert routing(service({**shared, "ml-platform/slot": "blue"}, **{"ml-platform/active": "green"})) == "blue"


def test_a_selector_that_names_no_place_of_ours_names_none():
    assert routing(None) is None
    assert routing(service({})) is None
    assert routing(service({"ml-platform/slot": "red"})) is None
    assert routing({"metadata": {}, "spec": {}}) is None


def rule(*backends, headers=(), mirror=None):
    given = {"backendRefs": [dict(zip(("name", "weight"), backend, strict=False)) for backend in backends]}
    match = {"path": {"type": "PathPrefix", "value": "/"}}
    given["matches"] = [{**match, "headers": [{"name": n, "value": v} for n, v in headers]} if headers else match]
    if mirror:
        given["filters"] = [{"type": "RequestMirror", "requestMirror": mirror}]
    return given


def test_weights_are_shares_whatever_they_add_up_to():
    seen = route_seen({"spec": {"rules": [rule(("iris", 3), ("iris-green", 1), ("gone", 0))]}})
    assert seen == RouteSeen(shares={"iris": 75.0, "iris-green": 25.0})


def test_a_backend_without_a_weight_gets_all():
    assert route_seen({"spec": {"rules": [rule(("iris",))]}}).shares == {"iris": 100.0}


def test_headers_and_copies_are_told_apart_from_shares():
    rules = [
        rule(("iris-green",), headers=[("x-tester", "1"), ("a", "b")]),
        rule(("iris", 90), ("iris-green", 10), mirror={"backendRef": {"name": "iris-green"}, "percent": 5}),
    ]
    seen = route_seen({"spec": {"rules": rules}})
    assert seen.matches == frozenset({((("a", "b"), ("x-tester", "1")), "iris-green")})
    assert seen.shares == {"iris": 90.0, "iris-green": 10.0}
    assert seen.mirrors == {"iris-green": 5}


def test_a_copy_without_a_percentage_is_of_everything():
    seen = route_seen({"spec": {"rules": [rule(("iris",), mirror={"backendRef": {"name": "iris-green"}})]}})
    assert seen.mirrors == {"iris-green": 100}


def test_a_route_without_rules_sends_nothing_anywhere():
    assert route_seen({}) == route_seen({"spec": {"rules": [rule(("iris", 0))]}}) == RouteSeen()
