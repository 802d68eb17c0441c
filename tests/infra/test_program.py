from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import pulumi
import pytest
from pulumi.output import Unknown

from infra.guard import SwitchRefusedError
from infra.guard.catalogue import catalogue
from infra.observed import ModelSeen, Observed, QuotaSeen, SlotSeen
from infra.settings import Document, Settings
from policies import configured, exempt
from policies.judgement import Judgement, judge
from policies.unwrap import plain

REPOSITORY = Path(__file__).parents[2]
# Those whose cluster a cloud makes: tests/clouds.
STACKS = [
    REPOSITORY / "stacks" / name
    for name in (
        "Pulumi.dev.yaml",
        "Pulumi.staging.yaml",
        "Pulumi.prod.yaml",
        "local.example.yaml",
        "local.simulated.example.yaml",
    )
]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STACK = f"""
config:
  ml-platform:environment: test
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster: {{provider: existing, context: test}}
  ml-platform:gateway: {{class: traefik}}
  ml-platform:teams:
    flowers:
      access: {{edit: [group:botanists]}}
      quota: {{requests.cpu: "40", requests.memory: 160Gi, pods: "200"}}
    birds:
      quota: {{requests.cpu: "40", requests.memory: 160Gi}}
  ml-platform:models:
    iris:
      team: flowers
      port: 8080
      scale: {{min: 2, max: 6}}
      resources: {{cpu: 500m, memory: 1Gi}}
      secretEnv: {{API_KEY: iris-key}}
      versions:
        "1": {{image: iris@sha256:{"1" * 64}}}
        "2": {{build: {{context: examples/iris, args: {{VERSION: "2"}}}}}}
        "3": {{build: {{context: examples/iris, args: {{VERSION: "3"}}}}}}
      slots: {{blue: "1", green: "2"}}
      active: blue
    finch:
      team: birds
      port: 8080
      scale: {{min: 1, max: 6}}
      resources: {{cpu: 500m, memory: 1Gi}}
      versions:
        "1": {{image: finch@sha256:{"f" * 64}}}
      slots: {{blue: "1"}}
      active: blue
      route: {{host: finch.example.com, tls: finch-tls}}
  ml-platform:secrets:
    iris-key: {{secure: "v1:AAAA:BBBB"}}
"""


def live(*, routing="blue", running=2, **changes):
    slot = SlotSeen(exists=True, desired=running, current=running, updated=running, ready=running, **changes)
    return ModelSeen(service=True, routing=routing, slots={"blue": slot, "green": slot})


@pytest.fixture(scope="session")
def declare(declared):
    return lambda text=STACK, **options: declared(text, **options)


SERVICE = "iris.flowers-test.svc"
PUBLISHED = f"registry.example.com/ml/iris@sha256:{'1' * 64}"
BUILT = f"registry.example.com/ml/iris@sha256:{'d' * 64}"
ENTRY = catalogue(Settings.parse(Document.parse(STACK, "s").values).models["iris"].versions, {})["1"].content
SWITCH = STACK.replace("active: blue\n    finch", "active: green\n    finch")


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_of_the_repository_is_declared_and_keeps_every_rule(declare, path):
    names = {"REGISTRY": "registry.example.com", "KUBECONFIG": "kubeconfig", "CONTEXT": "c"}
    declared = declare(Template(path.read_text()).safe_substitute(names))
    resources = [(resource.type, plain(resource.inputs), resource.urn) for resource in declared.resources]
    exemptions = exempt.Exemptions(exempt.read(today=NOW.date()), today=NOW.date())
    told = judge(resources, Judgement(configured.read(), exemptions))
    assert declared.exports["models"]
    assert [f"{one.title}: {one.rule.id}: {one.message}" for one in told if not one.unknown] == []


def test_every_component_says_that_it_is_complete(declare):
    declared = declare()
    components = [resource.urn for resource in declared.resources if resource.type.startswith("mlplatform:")]
    assert sorted(declared.completed) == sorted(components)


def test_every_object_goes_to_the_stacks_cluster(declare):
    declared = declare()
    [provider] = declared.of_type("pulumi:providers:kubernetes")
    assert provider.inputs["context"] == "test"
    assert provider.inputs["clusterIdentifier"] == "test"
    assert {resource.provider for resource in declared.objects().values()} == {f"{provider.urn}::id"}


POOLED = STACK.replace(
    "context: test}",
    """
    context: test,
    nodePools: {general: {allocatable: {cpu: "16", memory: 64Gi}, max: 5}},
  }""".replace("\n", " "),
)


def test_with_pools_the_room_is_told_at_the_end_of_the_plan_and_is_an_output(declare):
    declared = declare(POOLED)
    told = declared.messages.index("capacity           general (0 to 5)  pods")
    assert declared.messages[told + 2].split()[:4] == ["switch", "1", "6", "fits"]
    assert declared.exports["capacity"]["verdict"] == "fits"
    assert declared.exports["capacity"]["stages"]["switch"]["nodes"] == {"general": 1}
    assert declared.objects().keys() == declare().objects().keys()


def test_an_autoscaler_is_declared_with_the_pools_bounds(declare):
    image = f"ca@sha256:{'c' * 64}"
    declared = declare(f"{POOLED}  ml-platform:autoscaler: {{cloud: aws, image: '{image}'}}\n")
    [container] = declared.object("Deployment", "cluster-autoscaler")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/ml/{image}"
    assert "--nodes=0:5:general" in container["args"]
    assert "--skip-nodes-with-local-storage=false" in container["args"]


def test_nodes_with_gpus_are_told_of_where_the_stack_asks_for_it(declare):
    image = f"mirror/k8s-device-plugin@sha256:{'a' * 64}"
    room = "allocatable: {cpu: '16', memory: 64Gi}, max: 9"
    gpus = f"l4: {{{room}, accelerators: {{nvidia.com/gpu: 1}}, taints: ['nvidia.com/gpu:NoSchedule']}}"
    pools = f"nodePools: {{general: {{{room}}}, {gpus}}}"
    text = STACK.replace("context: test", f"context: test, devicePlugin: {{image: '{image}'}}, {pools}")
    spec = declare(text).objects()["DaemonSet", "nvidia-device-plugin"].inputs["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == f"registry.example.com/ml/{image}"
    assert "'l4'" in str(spec["affinity"])
    assert "general" not in str(spec["affinity"])
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_a_switch_that_finds_no_room_at_the_size_that_serves_now_is_refused_and_one_that_does_not_switch_is_not(
    declare,
):
    busy = Observed(models={"iris": live(running=6)})
    small = POOLED.replace('"16"', '"6"').replace("max: 5", "max: 1") + "  ml-platform:capacity: {overcommit: 99}\n"
    told = declare(small, observed=busy).messages
    assert any(line.startswith("switch now") and "does not fit" in line for line in told)
    with pytest.raises(pulumi.RunError, match="max: 1 is too few while iris switches: 1 pod finds no room; 2 would do"):
        declare(small.replace("active: blue\n    finch", "active: green\n    finch"), observed=busy)


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("max: 5", "max: 9"),
        ("max: 5", "max: 6, labels: {example.com/disk: nvme}"),
        ("max: 5}", "max: 5}, further: {allocatable: {cpu: 8, memory: 32Gi}, max: 2}"),
    ],
)
def test_another_maximum_label_or_pool_changes_what_is_known_of_room_and_no_object(declare, change, by):
    before, after = declare(POOLED), declare(POOLED.replace(change, by))
    assert inputs(before) == inputs(after)
    assert before.exports["capacity"] != after.exports["capacity"]


def inputs(declared):
    """What is declared of each resource, the cluster's provider among them."""
    return {(one.type, one.name): one.inputs for one in declared.resources if one.custom}


def test_without_room_nothing_is_declared(declare):
    with pytest.raises(pulumi.RunError, match=r"nothing was touched:\n.*\ncluster.nodePools.general.max: 1 is too few"):
        declare(POOLED.replace('"16"', '"1"').replace("max: 5", "max: 1, overhead: {cpu: 100m}"), preview=True)


def test_what_is_built_is_pushed_with_the_stacks_login(declare):
    login = "  ml-platform:registryLogin: {username: robot, password: iris-key}\n"
    images = declare(STACK.replace("  ml-platform:cluster:", f"{login}  ml-platform:cluster:")).of_type(
        "docker:index/image:Image"
    )
    assert len(images) == 2
    for image in images:
        expected = {"server": "registry.example.com", "username": "robot", "password": "hush"}
        assert image.inputs["registry"]["value"] == expected


def test_a_teams_space_comes_before_its_first_model(declare):
    text = STACK[: STACK.index("  ml-platform:models:")]
    declared = declare(text)
    assert declared.exports == {"namespaces": {"flowers": "flowers-test", "birds": "birds-test"}, "models": {}}
    assert declared.messages == []


def test_each_model_lives_in_its_teams_namespace_and_comes_after_all_of_it(declare):
    declared = declare()
    for model, namespace in (("iris", "flowers-test"), ("finch", "birds-test")):
        assert declared.object("Service", model)["metadata"]["namespace"] == namespace
        [component] = [r for r in declared.of_type("mlplatform:index:Model") if r.name == model]
        team = {
            resource.urn
            for resource in declared.resources
            if resource.custom and "TeamNamespace" in resource.parent and resource.name.startswith(namespace)
        }
        assert len(team) > 5
        assert team <= set(component.dependencies)


def test_pods_of_a_model_have_their_class_which_is_there_before_them(declare):
    classes = "  ml-platform:priorityClasses: {serving: {value: 1000}}\n  ml-platform:teams:"
    text = STACK.replace("  ml-platform:teams:", classes)
    text = text.replace("active: blue", "active: blue\n      priorityClass: serving", 1)
    objects = declare(text).objects()
    order = list(objects)
    assert objects["Deployment", "iris-blue"].inputs["spec"]["template"]["spec"]["priorityClassName"] == "serving-test"
    assert "priorityClassName" not in objects["Deployment", "finch-blue"].inputs["spec"]["template"]["spec"]
    assert order.index(("PriorityClass", "serving-test")) < order.index(("Deployment", "iris-blue"))


def test_the_outputs_say_where_everything_is(declare):
    exports = declare().exports
    assert exports["namespaces"] == {"flowers": "flowers-test", "birds": "birds-test"}
    iris = exports["models"]["iris"]
    blue, green = iris["slots"]["blue"], iris["slots"]["green"]
    assert (iris["team"], iris["namespace"], iris["strategy"]) == ("flowers", "flowers-test", "blue-green")
    assert (iris["active"], iris["service"], iris["url"]) == ("blue", SERVICE, f"http://{SERVICE}/")
    assert (blue["version"], blue["image"]) == ("1", PUBLISHED)
    assert (green["version"], green["image"]) == ("2", BUILT)
    assert blue["content"] != green["content"]
    assert exports["models"]["finch"]["slots"].keys() == {"blue"}
    assert exports["models"]["finch"]["url"] == "https://finch.example.com/"


def test_the_outputs_are_a_ledger_of_what_serves_and_has_served(declare):
    before = json.dumps({"1": {"image": PUBLISHED, "content": ENTRY, "since": "2026-01-01T08:00:00Z", "until": None}})
    seen = live(version="1", served=before, available="2026-02-01T08:00:00Z")
    at_rest, switched = (
        declare(text, observed=Observed(models={"iris": seen})).exports["models"]["iris"] for text in (STACK, SWITCH)
    )
    assert at_rest["slots"]["blue"]["since"] == "2026-01-01T08:00:00Z"
    assert at_rest["slots"]["blue"]["healthy"] == "2026-02-01T08:00:00Z"
    assert at_rest["slots"]["green"].get("since") is None
    assert at_rest["served"].keys() == {"1"}
    assert switched["served"]["1"]["until"] == switched["served"]["2"]["since"] == "2026-03-01T12:00:00Z"
    assert switched["served"]["2"]["image"] == BUILT
    assert switched["slots"]["green"]["since"] == "2026-03-01T12:00:00Z"


def test_a_switch_writes_the_ledger_on_both_autoscalers_and_a_run_at_rest_changes_nothing(declare):
    def annotations(declared):
        scalers = (declared.object("HorizontalPodAutoscaler", f"iris-{slot}") for slot in ("blue", "green"))
        return [scaler["metadata"]["annotations"].get("ml-platform/served") for scaler in scalers]

    before = json.dumps({"1": {"image": PUBLISHED, "content": ENTRY, "since": "2026-01-01T08:00:00Z", "until": None}})
    seen = Observed(models={"iris": live(version="1", served=before)})
    assert annotations(declare(STACK, observed=seen)) == [before, before]
    assert annotations(declare(STACK, observed=Observed(models={"iris": live(version="1")}))) == [None, None]
    one, other = annotations(declare(SWITCH, observed=seen))
    assert one == other
    assert json.loads(one)["2"]["image"] == BUILT


def test_a_version_that_has_served_as_another_image_is_refused_before_anything_is_declared(declare):
    other = PUBLISHED.replace("1" * 64, "a" * 64)
    before = json.dumps({"1": {"image": other, "content": ENTRY, "since": "2026-01-01T08:00:00Z", "until": None}})
    with pytest.raises(SwitchRefusedError, match=r"version 1 has served since 2026-01-01T08:00:00Z as .*add a"):
        declare(STACK, observed=Observed(models={"iris": live(version="1", served=before)}))


def test_every_version_of_the_catalogue_is_built_so_that_its_digest_is_kept(declare):
    images = {resource.name: resource.inputs for resource in declare().of_type("docker:index/image:Image")}
    assert images.keys() == {"iris/2", "iris/3"}
    assert images["iris/3"]["imageName"] == "registry.example.com/ml/iris:3"
    assert images["iris/3"]["build"] == {
        "context": "../examples/iris",
        "dockerfile": "../examples/iris/Dockerfile",
        "args": {"VERSION": "3"},
        "network": "default",
    }


def test_a_slot_runs_the_digest_that_the_registry_gave(declare):
    [container] = declare().object("Deployment", "iris-green")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/ml/iris@sha256:{'d' * 64}"


def test_a_secret_stays_one_until_it_is_in_the_cluster(declare):
    secrets = declare().of_type("kubernetes:core/v1:Secret")
    assert [secret.secrets for secret in secrets] == [frozenset({"stringData.API_KEY"})] * 2


def test_the_routing_service_of_each_model_stands_behind_its_gate(declare):
    declared = declare()
    for model, namespace in (("iris", "flowers-test"), ("finch", "birds-test")):
        hooks = declared.objects()["Service", model].hooks
        assert hooks == dict.fromkeys(("before_create", "before_update"), (f"gate:{namespace}/{model}",))


def test_a_switch_holds_both_slots_at_what_serves_now(declare):
    declared = declare(SWITCH, observed=Observed(models={"iris": live(running=5)}))
    for slot in ("iris-blue", "iris-green"):
        scaler = declared.object("HorizontalPodAutoscaler", slot)
        assert scaler["spec"]["minReplicas"] == 5
        assert scaler["metadata"]["annotations"]["ml-platform/hold"] == "5 until 2026-03-01T12:10:00Z"


def test_during_a_switch_the_slot_that_serves_is_kept_as_it_is(declare):
    before, during = (
        declare(text, observed=Observed(models={"iris": live()})).objects()["Deployment", "iris-blue"].hooks
        for text in (STACK, SWITCH)
    )
    assert before == {}
    assert during == {"before_update": ("slot:flowers-test/iris-blue",)}


def test_a_plan_that_cannot_succeed_is_refused_before_anything_is_declared(declare):
    broken = replace(live(), slots={"blue": live().slots["blue"], "green": SlotSeen()})
    small = STACK.replace('pods: "200"', 'pods: "5"').replace("{min: 2, max: 6}", "{min: 1, max: 6}")
    small = small.replace("active: blue\n    finch", "active: green\n    finch")
    observed = Observed(
        models={"iris": broken},
        quotas={"flowers-test": (QuotaSeen(name="quota", hard={"pods": "5"}, used={"pods": "5"}),)},
    )
    seen: list[Any] = []

    def outputs(resource: Any) -> dict[str, Any]:
        seen.append(resource)
        return {}

    with pytest.raises(SwitchRefusedError, match="quota of namespace flowers-test is too small"):
        declare(small, observed=observed, outputs=outputs)
    assert seen == []


def test_the_plan_is_told_in_words(declare):
    messages = declare(SWITCH, observed=Observed(models={"iris": live(running=4)})).messages
    assert any("iris: green 4" in line and "100 %" in line for line in messages), messages


def test_the_words_speak_of_an_image_by_its_digest_once_it_is_known(declare):
    told = declare(SWITCH, observed=Observed(models={"iris": live()})).messages
    assert any(f"2 ready pods of registry.example.com/ml/iris@sha256:{'d' * 64}" in line for line in told), told


def test_the_words_speak_of_an_image_still_to_be_built_while_it_is_unknown(declare):
    def outputs(resource: Any) -> dict[str, Any]:
        if resource.type == "docker:index/image:Image":
            return {"repoDigest": Unknown()}
        return {"metadata": {"name": "n", **resource.inputs["metadata"]}} if "metadata" in resource.inputs else {}

    told = declare(SWITCH, observed=Observed(models={"iris": live()}), outputs=outputs).messages
    assert any("2 ready pods, of the image still to be built" in line for line in told), told


def test_an_up_verifies_every_models_routing_and_a_preview_none(declare):
    assert declare().result.verified == []
    assert sorted(declare(preview=False).result.verified) == ["finch", "iris"]


def test_the_programs_entry_is_short_enough_to_be_read_at_a_glance():
    assert len((REPOSITORY / "infra" / "__main__.py").read_text().splitlines()) <= 40
