from __future__ import annotations

import asyncio

import pulumi
import pytest

from components.model import Model


@pytest.fixture
def model(engine, model_args):
    def declare(**changes):
        args = model_args(**changes)
        return engine.run(lambda: Model("iris", args))

    return declare


def routing(declared):
    return declared.objects()["Service", "iris"]


def test_both_slots_and_their_services_are_declared_under_fixed_names(model):
    declared = model()
    for slot in ("iris-blue", "iris-green"):
        for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"):
            assert (kind, slot) in declared.objects()


def test_an_empty_slot_keeps_its_service(model, content):
    kinds = {kind for kind, name in model(slots={"blue": content("1"), "green": None}).objects() if "green" in name}
    assert kinds == {"Service"}


def test_a_model_whose_active_slot_is_empty_is_refused(model_args, content):
    with pytest.raises(ValueError, match="iris: active slot green is empty"):
        model_args(slots={"blue": content("1"), "green": None}, active="green")


@pytest.mark.parametrize("active", ["blue", "green"])
def test_the_routing_service_sends_to_the_active_slot(model, active):
    spec = routing(model(active=active)).inputs["spec"]
    assert spec["selector"] == {"app.kubernetes.io/name": "iris", "ml-platform/slot": active}
    assert spec["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]


def test_the_routing_service_comes_after_everything_in_both_slots(model):
    declared = model()
    service = routing(declared)
    slots = {
        resource.urn for (kind, name), resource in declared.objects().items() if name in ("iris-blue", "iris-green")
    }
    assert len(slots) == 8
    assert slots <= set(service.dependencies)


def test_the_routing_service_is_not_waited_for_by_the_provider(model):
    assert routing(model()).inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_what_a_hand_changed_in_an_emergency_is_taken_back(model):
    changing = [
        resource.inputs["metadata"]["annotations"].get("pulumi.com/patchForce")
        for (kind, _), resource in model().objects().items()
        if kind in ("Service", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget")
    ]
    assert changing == ["true"] * 9


def test_the_gate_stands_before_creation_and_change_of_the_routing_service_alone(model):
    async def gate(_: pulumi.ResourceHookArgs) -> None:
        raise AssertionError("not asked while declaring")

    declared = model(gate=gate)
    bound = {resource.urn: resource.hooks for resource in declared.resources if resource.hooks}
    name = "gate:flowers-test/iris"
    assert bound == {routing(declared).urn: {"before_create": (name,), "before_update": (name,)}}
    assert declared.hooks[name].opts.on_dry_run is True
    assert declared.hooks[name].opts.ignore_errors is False


def test_what_the_gate_raises_refuses_the_change(model):
    asked = []

    async def gate(args: pulumi.ResourceHookArgs) -> None:
        asked.append(args)
        raise RuntimeError("green runs 1 of 4 pods")

    hook = model(gate=gate).hooks["gate:flowers-test/iris"]
    args = pulumi.ResourceHookArgs(urn="u", id="i", name="n", type="t")
    with pytest.raises(RuntimeError, match="green runs 1 of 4 pods"):
        asyncio.run(hook(args))
    assert asked == [args]


def test_a_slot_can_be_guarded_against_changes_alone(model):
    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        raise RuntimeError("blue serves")

    declared = model(guards={"blue": refuse})
    bound = {resource.urn: resource.hooks for resource in declared.resources if resource.hooks}
    name = "slot:flowers-test/iris-blue"
    assert bound == {declared.objects()["Deployment", "iris-blue"].urn: {"before_update": (name,)}}
    with pytest.raises(RuntimeError, match="blue serves"):
        asyncio.run(declared.hooks[name](pulumi.ResourceHookArgs(urn="u", id="i", name="n", type="t")))


def test_without_a_gate_no_hook_is_bound(model):
    declared = model()
    assert declared.hooks == {}
    assert not routing(declared).hooks


def test_the_models_pods_have_an_identity_of_their_own_that_is_there_before_them(model):
    declared = model()
    account = declared.objects()["ServiceAccount", "iris"]
    assert account.inputs["automountServiceAccountToken"] is False
    for slot in ("iris-blue", "iris-green"):
        pod = declared.object("Deployment", slot)["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] == "iris"
    slots = declared.of_type("mlplatform:index:ModelSlot")
    assert all(account.urn in slot.dependencies for slot in slots)


def test_a_cloud_knows_the_models_account_by_its_annotations(engine, model_args):
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/iris"}
    with_role = engine.run(lambda: Model("iris", model_args(identity=role)))
    without = engine.run(lambda: Model("iris", model_args()))
    assert with_role.object("ServiceAccount", "iris")["metadata"]["annotations"] == role
    assert "annotations" not in without.object("ServiceAccount", "iris")["metadata"]
    for slot in ("iris-blue", "iris-green"):
        assert with_role.object("Deployment", slot) == without.object("Deployment", slot)


def test_further_labels_of_pods_are_of_the_content_and_never_the_platforms_own(engine, model_args, content):
    labels = {"azure.workload.identity/use": "true", "ml-platform/slot": "red"}
    slots = {"blue": content("1", labels=labels), "green": content("2")}
    declared = engine.run(lambda: Model("iris", model_args(slots=slots)))
    found = declared.object("Deployment", "iris-blue")["spec"]["template"]["metadata"]["labels"]
    assert found["azure.workload.identity/use"] == "true"
    assert found["ml-platform/slot"] == "blue"
