"""Canaries on a real API server with the Gateway API's kinds: what is waited for, and what another hand changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pulumi
import pytest

from infra.guard import Guard, SwitchRefusedError
from infra.guard.canary import DeclaredCanary
from infra.guard.canary_gate import CanaryGate
from infra.observed import can_mirror, observe
from infra.reach import Reach
from infra.settings.guard import Guard as GuardSettings

GROUP = "/apis/gateway.networking.k8s.io/v1"
TESTER = [{"type": "Exact", "name": "x-tester", "value": "1"}]


def canary(percent, **changes):
    return DeclaredCanary(percent=percent, host="iris.example.com", **changes)


@pytest.fixture
def serving(flowers, gateway_api):
    """Blue serves with four pods, green stands beside it with one, and the route knows neither."""
    flowers.deploy("blue", replicas=4)
    flowers.deploy("green", replicas=1)
    flowers.route("blue")
    weigh(flowers, {"iris": 100})
    flowers.running("blue", 4)
    flowers.running("green", 1)
    return flowers


def weigh(flowers, weights, *, headers=None):
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    rules = [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": backends}]
    if headers:
        match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": headers}
        rules.insert(0, {"matches": [match], "backendRefs": [{"name": "iris-green", "port": 80}]})
    body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "iris"}}
    spec = {"hostnames": ["iris.example.com"], "parentRefs": [{"name": "models"}], "rules": rules}
    if flowers.get("httproutes/iris", GROUP) is None:
        flowers.create(flowers.path("httproutes", GROUP), {**body, "spec": spec})
    else:
        flowers.patch(flowers.path("httproutes/iris", GROUP), {"spec": spec})


def opened(flowers, plane, now):
    return Guard.open(
        cluster=Reach(context="sandbox", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(),
        models={"iris": flowers.namespace},
        routed={"iris"},
        now=now,
    )


def pass_gate(flowers, model, *, size=1, deadline=60.0):
    async def resolve():
        return model

    seen = observe(flowers.server, {"iris": flowers.namespace}, routed={"iris"}).model("iris")
    gate = CanaryGate(
        resolve=resolve,
        seen=seen,
        size=size,
        connect=lambda: flowers.server,
        deadline=lambda _: deadline,
        report=flowers.lines.append,
        dry_run=lambda: False,
    )
    asyncio.run(gate(pulumi.ResourceHookArgs("urn", "id", "iris", "type", {}, {})))


def declared(flowers, percent, **changes):
    return replace(flowers.declared(active="blue"), canary=canary(percent, **changes))


def test_shares_headers_and_copies_are_read_as_the_api_server_keeps_them(serving):
    weigh(serving, {"iris": 90, "iris-green": 10}, headers=TESTER)
    route = observe(serving.server, {"iris": serving.namespace}, routed={"iris"}).model("iris").route
    assert route.shares == {"iris": 90.0, "iris-green": 10.0}
    assert route.matches == frozenset({((("x-tester", "1"),), "iris-green")})


def test_a_canary_grows_to_its_share_of_what_the_active_slot_runs_before_it_gets_it(serving):
    pass_gate(serving, declared(serving, 75))
    assert len(serving.pods("green")) == 3


def test_one_pod_carries_a_small_share(serving):
    pass_gate(serving, declared(serving, 10))
    assert len(serving.pods("green")) == 1


def test_a_canary_at_zero_is_woken_for_a_tester_s_header(serving):
    serving.patch(serving.deployment("green"), {"spec": {"replicas": 0}})
    serving.running("green", 0)
    pass_gate(serving, declared(serving, 0, headers={"x-tester": "1"}))
    assert len(serving.pods("green")) == 1


@pytest.mark.usefixtures("impatient")
def test_no_request_goes_to_a_canary_that_crashes_and_the_route_stays_as_it_is(serving):
    serving.fail("green", {"reason": "CrashLoopBackOff", "message": "back-off 40s"}, restarts=4)
    with pytest.raises(SwitchRefusedError) as raised:
        pass_gate(serving, declared(serving, 10))
    said = str(raised.value)
    assert said.startswith("iris: no canary on green (version 2): after ")
    assert "CrashLoopBackOff" in said
    assert "HTTPRoute iris goes on sending 100 % to iris" in said


@pytest.mark.usefixtures("impatient")
def test_a_smaller_share_of_a_canary_that_crashes_is_let_pass_at_once(serving):
    weigh(serving, {"iris": 90, "iris-green": 10})
    serving.fail("green", {"reason": "CrashLoopBackOff", "message": "back-off 40s"}, restarts=4)
    pass_gate(serving, declared(serving, 5), deadline=1.0)
    pass_gate(serving, declared(serving, 0), deadline=1.0)
    assert serving.lines == []


def test_weights_that_another_hand_changed_fail_the_up_and_name_refresh(serving, plane, now):
    weigh(serving, {"iris": 90, "iris-green": 10})
    guard, model = opened(serving, plane, now), declared(serving, 10)
    asyncio.run(guard.verify(model, routed=True))
    weigh(serving, {"iris": 50, "iris-green": 50})
    with pytest.raises(SwitchRefusedError) as raised:
        asyncio.run(guard.verify(model, routed=True))
    assert "sends 50 % to iris; 50 % to iris-green, declared is 90 % to iris; 10 % to iris-green" in str(raised.value)
    assert "another hand changed it. Run `pulumi refresh`" in str(raised.value)


def test_a_route_that_is_gone_fails_the_up(serving, plane, now):
    serving.api.delete(serving.path("httproutes/iris", GROUP))
    with pytest.raises(SwitchRefusedError, match=r"HTTPRoute iris in .* does not exist"):
        asyncio.run(opened(serving, plane, now).verify(declared(serving, 0), routed=True))


def test_a_cluster_without_the_gateway_api_has_no_routes(flowers, monkeypatch):
    monkeypatch.setattr("infra.observed.routes._GROUP", "/apis/no-such.example.com/v1")
    observed = observe(flowers.server, {"iris": flowers.namespace}, routed={"iris"})
    assert observed.unreachable is None
    assert observed.model("iris").route is None


@pytest.mark.usefixtures("gateway_api")
def test_a_class_that_is_known_not_to_mirror_is_found_by_its_controller(flowers):
    names = {f"{flowers.namespace}-a": "traefik.io/gateway-controller", f"{flowers.namespace}-b": "example.com/other"}
    for name, controller in names.items():
        body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": name}}
        flowers.create(f"{GROUP}/gatewayclasses", {**body, "spec": {"controllerName": controller}})
    said = [can_mirror(flowers.server, class_name=name, gateway=None) for name in (*names, "absent")]
    assert said == [False, True, True]
    gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "shared"}}
    listeners = [{"name": "http", "protocol": "HTTP", "port": 80}]
    spec = {"gatewayClassName": next(iter(names)), "listeners": listeners}
    flowers.create(flowers.path("gateways", GROUP), {**gateway, "spec": spec})
    assert not can_mirror(flowers.server, class_name=None, gateway=(flowers.namespace, "shared"))
