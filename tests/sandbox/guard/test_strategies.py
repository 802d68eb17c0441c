"""Strategies and canaries, the whole program on a real engine: what each `pulumi up` says, does and leaves alone."""

from __future__ import annotations

import json

import pytest

APPS, SCALING = "/apis/apps/v1", "/apis/autoscaling/v2"
ROUTES = "/apis/gateway.networking.k8s.io/v1"

# Each command starts an engine, a program and a provider: seconds on a quiet machine, a multiple on a busy one.
pytestmark = pytest.mark.timeout(400)


def models(stack):
    return json.loads(stack.run("stack", "output", "models", "--json"))["iris"]


def backends(stack):
    rules = stack.get("httproutes/iris", ROUTES)["spec"]["rules"]
    return {backend["name"]: backend["weight"] for backend in rules[-1]["backendRefs"]}


@pytest.mark.usefixtures("gateway_api")
def test_a_canary_is_walked_promoted_in_one_up_and_an_up_after_it_changes_nothing(stack):
    stack.config["ml-platform:gateway"] = {"class": "traefik"}
    stack.model["route"] = {"host": "iris.example.com"}
    stack.model["canary"] = {"percent": 10, "match": {"headers": {"x-tester": "1"}}}
    words = "iris: 10 % of traffic at iris.example.com to green (version 2); header x-tester: 1 always"
    assert words in stack.run("preview")
    assert words in stack.up()
    assert backends(stack) == {"iris": 90, "iris-green": 10}
    held = stack.get("horizontalpodautoscalers/iris-green", SCALING)["metadata"]["annotations"]["ml-platform/hold"]
    assert held.startswith("2 until ")
    stack.up("--expect-no-changes")
    before = stack.service()["metadata"]["resourceVersion"]
    stack.model["canary"]["percent"] = 50
    stack.up()
    assert backends(stack) == {"iris": 50, "iris-green": 50}
    assert stack.service()["metadata"]["resourceVersion"] == before
    stack.model["active"], stack.model["canary"] = "green", {"percent": 0}
    assert "100 % to version 2: warm (seconds)" in stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "green"
    (rule,) = stack.get("httproutes/iris", ROUTES)["spec"]["rules"]
    assert [backend["name"] for backend in rule["backendRefs"]] == ["iris"]
    assert models(stack)["url"] == "http://iris.example.com/"


@pytest.mark.usefixtures("gateway_api")
def test_what_another_hand_weighs_fails_the_next_up_and_a_canary_that_crashes_gets_no_request(stack):
    stack.config["ml-platform:gateway"] = {"class": "traefik"}
    stack.model["route"] = {"host": "iris.example.com"}
    stack.model["canary"] = {"percent": 10}
    stack.up()
    rules = stack.get("httproutes/iris", ROUTES)["spec"]["rules"]
    rules[0]["backendRefs"] = [{**backend, "weight": 50} for backend in rules[0]["backendRefs"]]
    stack.patch("httproutes/iris", {"spec": {"rules": rules}}, ROUTES)
    said = stack.up(succeeds=False)
    assert "sends 50 % to iris; 50 % to iris-green, declared is 90 % to iris; 10 % to iris-green: another hand" in said
    assert models(stack)["active"] == "blue", "an up that fails forgets no output"
    stack.run("refresh", "--yes", "--skip-preview")
    stack.up()
    assert backends(stack) == {"iris": 90, "iris-green": 10}
    stack.model["canary"]["percent"] = 0
    stack.up()
    stack.crash("green")
    stack.model["canary"] = {"percent": 10}
    refused = stack.run("preview", succeeds=False)
    assert "iris: no canary on green: iris-green already is version 2 and does not run: " in refused
    assert "CrashLoopBackOff (exit code 2, Error), 5 restarts" in refused


def test_without_a_gateway_two_slots_share_one_service_by_their_numbers_of_pods(stack):
    del stack.config["ml-platform:gateway"], stack.model["route"]
    stack.model["canary"] = {"percent": 30}
    said = stack.up()
    assert "% of traffic at Service iris to green (version 2), asked for is 30 %: 1 of " in said
    service = stack.service()
    assert "ml-platform/slot" not in service["spec"]["selector"]
    assert service["metadata"]["annotations"]["ml-platform/active"] == "blue"
    stack.up("--expect-no-changes")
    stack.model["active"], stack.model["canary"] = "green", {"percent": 0}
    assert "100 % to version 2" in stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "green"
    served = models(stack)["served"]
    assert served["1"]["until"] == served["2"]["since"]


def test_a_model_gives_up_its_slots_and_is_replaced_where_it_stands(stack):
    """One Service from first to last: nobody who calls it has to hear of the strategy."""
    address = stack.service()["spec"]["clusterIP"]
    model = stack.model
    slots = {key: model.pop(key) for key in ("slots", "active", "idle") if key in model}
    model |= {"strategy": "rolling", "version": "1"}
    assert "100 % to version 1: cold" in stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "only"
    assert stack.get("deployments/iris-blue", APPS) is None
    model["version"] = "2"
    words = "iris: version 1 replaced by version 2, pod by pod: 2 pods, at most 25% more and 0 fewer meanwhile"
    assert words in stack.run("preview")
    assert words in stack.up()
    status = stack.get("deployments/iris", APPS)["status"]
    assert (status["updatedReplicas"], status["readyReplicas"]) == (2, 2)
    stack.up("--expect-no-changes")
    ledger = models(stack)
    assert (ledger["strategy"], ledger["slots"]["only"]["version"]) == ("rolling", "2")
    assert ledger["served"]["1"]["until"] == ledger["slots"]["only"]["since"]
    del model["version"]
    model |= {**slots, "strategy": "blue-green", "active": "green"}
    stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "green"
    assert stack.service()["spec"]["clusterIP"] == address
    assert stack.get("deployments/iris", APPS) is None


def test_a_cold_slot_sleeps_from_the_first_up_on_and_the_plan_says_how_long_it_takes_to_come_back(stack):
    stack.model["idle"] = {"size": "cold", "soak": 600}
    said = stack.up()
    assert "iris: green 2 → 0: idle.size is cold, so it sleeps once it has proved itself" in said
    deployment = stack.get("deployments/iris-green", APPS)
    assert deployment["spec"]["replicas"] == 0
    assert " s as " in deployment["metadata"]["annotations"]["ml-platform/started"]
    stack.up("--expect-no-changes")
    stack.model["active"] = "green"
    assert "iris: green 0 → 2 first, then 100 % to version 2: cold (about " in stack.run("preview")
    assert "its last start took " in stack.up()
    assert stack.get("deployments/iris-blue", APPS)["spec"]["replicas"] == 2, "the soak keeps the way back warm"
