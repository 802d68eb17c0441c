from __future__ import annotations

import asyncio

import pulumi
import pytest

from components.labels import owner_labels
from components.model import Model
from components.model_slot import Floor, Scale
from components.rolling_model import RollingModel, RollingModelArgs
from components.rollout_strategy import Rollout


@pytest.fixture
def model(engine, content):
    def declare(version="3", **changes):
        args = {
            "model": "iris",
            "team": "flowers",
            "environment": "test",
            "namespace": "flowers-test",
            "scale": Scale(min=1, max=6, cpu=60),
            "content": content(version),
        }
        return engine.run(lambda: RollingModel("iris", RollingModelArgs(**args | changes)))

    return declare


SELECTOR = {"app.kubernetes.io/name": "iris", "ml-platform/slot": "only"}


def test_a_model_without_slots_is_five_objects_of_its_own_name(model):
    kinds = ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service", "ServiceAccount")
    assert model().objects().keys() == {(kind, "iris") for kind in kinds}


def test_pods_are_found_by_model_and_never_by_version(model):
    declared = model()
    deployment = declared.object("Deployment", "iris")
    assert deployment["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert deployment["spec"]["template"]["metadata"]["labels"].items() >= SELECTOR.items()
    assert declared.object("Service", "iris")["spec"]["selector"] == SELECTOR
    assert declared.object("PodDisruptionBudget", "iris")["spec"]["selector"] == {"matchLabels": SELECTOR}


def test_every_object_says_whose_it_is(model):
    owner = owner_labels(team="flowers", environment="test", name="iris")
    for resource in model().objects().values():
        assert resource.inputs["metadata"]["labels"].items() >= owner.items()


@pytest.mark.parametrize(
    ("rollout", "strategy"),
    [
        (Rollout(max_surge=1, max_unavailable=1), "RollingUpdate"),
        (Rollout(strategy="recreate"), "Recreate"),
    ],
)
def test_pods_are_replaced_as_it_was_asked_for(model, rollout, strategy):
    spec = model(rollout=rollout).object("Deployment", "iris")["spec"]
    assert spec["strategy"]["type"] == strategy
    assert "replicas" not in spec


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
@pytest.mark.parametrize("least", [1, 2])
def test_a_node_can_always_be_drained(model, strategy, least):
    declared = model(scale=Scale(min=least, max=6, cpu=60), rollout=Rollout(strategy=strategy))
    spec = declared.object("PodDisruptionBudget", "iris")["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert "minAvailable" not in spec


def test_a_new_version_changes_the_deployment_and_what_bears_its_name_alone(model):
    before, after = (model(version=version).objects() for version in ("3", "4"))
    changed = {key for key in before if before[key].inputs != after[key].inputs}
    assert changed == {(kind, "iris") for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget")}
    assert before["Service", "iris"].inputs["spec"] == after["Service", "iris"].inputs["spec"]


def test_what_has_served_is_kept_at_the_autoscaler(model):
    annotations = model(floor=Floor(min_replicas=1, served="{}")).object("HorizontalPodAutoscaler", "iris")["metadata"][
        "annotations"
    ]
    assert annotations["ml-platform/served"] == "{}"


def test_the_service_comes_after_what_it_leads_to(model):
    declared = model().objects()
    urns = {declared[kind, "iris"].urn for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget")}
    assert urns <= set(declared["Service", "iris"].dependencies)
    assert declared["ServiceAccount", "iris"].urn in declared["Deployment", "iris"].dependencies


def test_gate_and_guard_are_asked_before_service_and_deployment(model):
    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        raise RuntimeError("not now")

    declared = model(gate=refuse, guard=refuse)
    bound = {resource.urn: resource.hooks for resource in declared.resources if resource.hooks}
    gate, guard = "gate:flowers-test/iris", "slot:flowers-test/iris"
    assert bound == {
        declared.objects()["Service", "iris"].urn: {"before_create": (gate,), "before_update": (gate,)},
        declared.objects()["Deployment", "iris"].urn: {"before_update": (guard,)},
    }
    with pytest.raises(RuntimeError, match="not now"):
        asyncio.run(declared.hooks[guard](pulumi.ResourceHookArgs(urn="u", id="i", name="n", type="t")))


def test_a_model_that_changes_its_strategy_keeps_its_service(engine, model, model_args):
    """Under another URN its Service would be made again and then deleted, by its name, with the former one."""

    def former(make):
        def program():
            pulumi.export("aliases", pulumi.Output.all(*make()._aliases))

        [alias] = engine.run(program).exports["aliases"]
        return alias.partition("ml-platform::")[2]

    args = model().result._args
    assert former(lambda: Model("iris", model_args())) == "mlplatform:index:RollingModel::iris"
    assert former(lambda: RollingModel("iris", args)) == "mlplatform:index:Model::iris"
