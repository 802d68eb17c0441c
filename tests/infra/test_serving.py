"""What the program declares of strategies, canaries and routes; what the guard makes of them: tests/infra/guard."""

from __future__ import annotations

import pytest
import yaml

from infra.observed import ModelSeen, Observed, RouteSeen, SlotSeen

ONE, TWO = (f"iris@sha256:{digit * 64}" for digit in "12")
GATEWAY = {"class": "traefik"}
ROUTE = {"host": "iris.example.com"}


def stack(*, gateway=None, **changes):
    model = {
        "team": "flowers",
        "versions": {"1": {"image": ONE}, "2": {"image": TWO}},
        "slots": {"blue": "1", "green": "2"},
        "active": "blue",
        "scale": {"min": 2, "max": 10},
        **changes,
    }
    config = {
        "environment": "test",
        "registry": "r.example.com",
        "cluster": {"provider": "existing", "context": "test"},
        "teams": {"flowers": {"quota": {"requests.cpu": "40", "requests.memory": "160Gi"}}},
        "models": {"iris": {key: value for key, value in model.items() if value is not None}},
        **({} if gateway is None else {"gateway": gateway}),
    }
    return yaml.safe_dump({"config": {f"ml-platform:{key}": value for key, value in config.items()}})


def rolling(strategy="rolling", **changes):
    return stack(strategy=strategy, slots=None, active=None, version="1", **changes)


def live(route=None, **changes):
    slot = SlotSeen(exists=True, desired=4, current=4, updated=4, ready=4, **changes)
    return Observed(
        models={"iris": ModelSeen(service=True, routing="blue", slots={"blue": slot, "green": slot}, route=route)}
    )


def rules(declared):
    return declared.object("HTTPRoute", "iris")["spec"]["rules"]


def shares(rule):
    return {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}


@pytest.mark.parametrize(("strategy", "type_"), [("rolling", "RollingUpdate"), ("recreate", "Recreate")])
def test_a_model_without_slots_is_one_deployment_under_its_own_name(declared, strategy, type_):
    done = declared(rolling(strategy))
    spec = done.object("Deployment", "iris")["spec"]
    assert spec["strategy"]["type"] == type_
    assert done.object("Service", "iris")["spec"]["selector"]["ml-platform/slot"] == "only"
    assert ("Deployment", "iris-blue") not in done.objects()
    iris = done.exports["models"]["iris"]
    assert (iris["strategy"], iris["active"], iris["slots"]["only"]["version"]) == (strategy, "only", "1")
    assert iris["served"].keys() == {"1"}


def test_how_pods_are_replaced_is_as_the_stack_says(declared):
    rollout = {"maxSurge": 0, "maxUnavailable": 1, "minReadySeconds": "5s", "progressDeadlineSeconds": "2m"}
    spec = declared(rolling(rollout=rollout)).object("Deployment", "iris")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert (spec["minReadySeconds"], spec["progressDeadlineSeconds"]) == (5, 120)


def test_a_team_with_a_route_has_a_gateway_of_its_own_and_one_without_has_none(declared):
    done = declared(stack(gateway=GATEWAY, route={**ROUTE, "tls": "iris-tls"}))
    gateway = done.object("Gateway", "models")
    assert gateway["metadata"]["namespace"] == "flowers-test"
    assert gateway["spec"]["gatewayClassName"] == "traefik"
    assert [listener["name"] for listener in gateway["spec"]["listeners"]] == ["http", "iris.example.com"]
    assert ("Gateway", "models") not in declared(stack(gateway=GATEWAY)).objects()


def test_a_shared_gateway_is_used_and_not_declared(declared):
    done = declared(stack(gateway={"name": "public", "namespace": "gateways"}, route=ROUTE))
    assert ("Gateway", "models") not in done.objects()
    (parent,) = done.object("HTTPRoute", "iris")["spec"]["parentRefs"]
    assert parent == {"name": "public", "namespace": "gateways"}


def test_an_ingress_is_the_alternative(declared):
    done = declared(stack(gateway={"api": "ingress", "class": "nginx"}, route=ROUTE))
    assert done.object("Ingress", "iris")["spec"]["ingressClassName"] == "nginx"
    assert ("HTTPRoute", "iris") not in done.objects()


def test_without_a_canary_the_route_knows_no_slot_so_that_a_switch_never_touches_it(declared):
    routes = [rules(declared(stack(gateway=GATEWAY, route=ROUTE, active=slot))) for slot in ("blue", "green")]
    assert routes[0] == routes[1]
    assert [backend["name"] for backend in routes[0][0]["backendRefs"]] == ["iris"]


@pytest.mark.parametrize(("active", "idle"), [("blue", "iris-green"), ("green", "iris-blue")])
def test_a_canary_gets_its_share_its_headers_and_its_copies(declared, active, idle):
    canary = {"percent": 10, "match": {"headers": {"x-tester": "1"}}, "mirror": 5}
    tester, everybody = rules(declared(stack(gateway=GATEWAY, route=ROUTE, active=active, canary=canary)))
    assert [backend["name"] for backend in tester["backendRefs"]] == [idle]
    assert shares(everybody) == {"iris": 90, idle: 10}
    assert everybody["filters"][0]["requestMirror"]["percent"] == 5


def test_a_canary_of_no_percent_leaves_the_route_as_it_is_without_one(declared):
    texts = [stack(gateway=GATEWAY, route=ROUTE, canary=canary) for canary in (None, {"percent": 0})]
    assert rules(declared(texts[0])) == rules(declared(texts[1]))


def test_a_route_with_a_canary_stands_behind_its_gate_and_after_the_routing_service(declared):
    done = declared(stack(gateway=GATEWAY, route=ROUTE, canary={"percent": 10}))
    route = done.objects()["HTTPRoute", "iris"]
    assert route.hooks == dict.fromkeys(("before_create", "before_update"), ("route:flowers-test/iris",))
    [component] = done.of_type("mlplatform:index:ModelRoute")
    assert done.objects()["Service", "iris"].urn in component.dependencies


def test_a_canary_that_grows_is_held_at_its_share(declared):
    text = stack(gateway=GATEWAY, route=ROUTE, canary={"percent": 75})
    done = declared(text, observed=live(RouteSeen(shares={"iris": 100.0})))
    scaler = done.object("HorizontalPodAutoscaler", "iris-green")
    assert scaler["spec"]["minReplicas"] == 3
    assert scaler["metadata"]["annotations"]["ml-platform/hold"] == "3 until 2026-03-01T12:10:00Z"
    assert "iris: 75 % of traffic at iris.example.com to green (version 2)" in done.messages


def test_without_a_gateway_a_canary_is_shared_out_by_numbers_of_pods(declared):
    done = declared(stack(canary={"percent": 20}), observed=live())
    assert "ml-platform/slot" not in done.object("Service", "iris")["spec"]["selector"]
    sizes = [done.object("HorizontalPodAutoscaler", f"iris-{slot}")["spec"] for slot in ("blue", "green")]
    assert [(size["minReplicas"], size["maxReplicas"]) for size in sizes] == [(4, 4), (1, 1)]
    assert any("20 % of traffic at Service iris to green" in line for line in done.messages)


def test_everything_a_version_may_say_reaches_its_pods(declared):
    version = {
        "image": ONE,
        "uri": "models:/iris/1",
        "volumes": {"weights": {"claim": "shared", "path": "/weights"}},
        "resources": {"cpuLimit": "2"},
    }
    text = stack(
        versions={"1": version},
        slots={"blue": "1"},
        placement={"spread": "node", "nodePool": "gpu-l4"},
        scale={"min": 2, "max": 8, "memory": 80, "metrics": [{"name": "rps", "perPod": 50}]},
    )
    done = declared(text)
    pod = done.object("Deployment", "iris-blue")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {"name": "weights", "mountPath": "/weights", "readOnly": True} in container["volumeMounts"]
    assert container["resources"]["limits"]["cpu"] == "2"
    assert pod["nodeSelector"] == {"ml-platform/node-pool": "gpu-l4"}
    metrics = done.object("HorizontalPodAutoscaler", "iris-blue")["spec"]["metrics"]
    assert [metric["type"] for metric in metrics] == ["Resource", "Resource", "Pods"]
    assert done.exports["models"]["iris"]["slots"]["blue"]["uri"] == "models:/iris/1"
