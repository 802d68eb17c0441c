from __future__ import annotations

import asyncio
import json
import time

import pulumi
import pytest

from components.labels import owner_labels
from components.model_slot import ModelSlot, ModelSlotArgs, Scale
from components.slot_environment import secret_digest


@pytest.fixture
def slot(engine, content):
    def declare(*, preview=False, make=lambda value: value, **changes):
        def program():
            held = {**changes, "secret_env": {k: make(v) for k, v in changes.get("secret_env", {}).items()}}
            args = ModelSlotArgs(
                model="iris",
                slot="blue",
                namespace="flowers-test",
                labels=owner_labels(team="flowers", environment="test", name="iris"),
                service_account="iris",
                scale=Scale(min=2, max=6, cpu=60),
                content=content("1", **held),
            )
            return ModelSlot("flowers-test/iris-blue", args)

        return engine.run(program, preview=preview)

    return declare


def environment(declared, kind):
    [found] = declared.of_type(f"kubernetes:core/v1:{kind}")
    return found


def deployment(declared):
    return declared.objects()["Deployment", "iris-blue"]


def container(declared):
    [found] = deployment(declared).inputs["spec"]["template"]["spec"]["containers"]
    return found


def content_of(declared):
    return deployment(declared).inputs["metadata"]["annotations"]["ml-platform/content"]


ONE, OTHER = {"A": "1"}, {"A": "2"}


def test_variables_stand_in_an_immutable_config_map_named_by_them(slot):
    declared = slot(env={"B": "2", "A": "1"})
    config = environment(declared, "ConfigMap")
    assert config.inputs["data"] == {"A": "1", "B": "2"}
    assert config.inputs["immutable"] is True
    name = config.inputs["metadata"]["name"]
    assert name.startswith("iris-blue-")
    assert len(name) == len("iris-blue-") + 10
    assert container(declared)["envFrom"] == [{"configMapRef": {"name": name}}]


def test_without_variables_there_is_neither_config_map_nor_secret(slot):
    declared = slot()
    assert declared.of_type("kubernetes:core/v1:ConfigMap") == []
    assert declared.of_type("kubernetes:core/v1:Secret") == []
    assert container(declared).keys().isdisjoint({"env", "envFrom"})


@pytest.mark.parametrize(("kind", "key"), [("ConfigMap", "env"), ("Secret", "secret_env")])
def test_going_back_to_former_values_goes_back_to_the_very_objects(slot, kind, key):
    first, second, third = (environment(slot(**{key: values}), kind) for values in (ONE, OTHER, ONE))
    assert first == third
    assert first.inputs["metadata"]["name"] != second.inputs["metadata"]["name"]


@pytest.mark.parametrize(("kind", "key"), [("ConfigMap", "env"), ("Secret", "secret_env")])
def test_other_values_are_another_resource_so_that_the_former_one_goes_last(slot, kind, key):
    """A replacement of one resource that an `up` leaves half-done would be deleted by the next, by its name."""
    first, second = (environment(slot(**{key: values}), kind) for values in (ONE, OTHER))
    assert first.name.startswith("flowers-test/iris-blue-")
    assert first.urn != second.urn


@pytest.mark.parametrize(("kind", "key"), [("ConfigMap", "env"), ("Secret", "secret_env")])
def test_the_deployment_comes_after_its_variables_and_goes_before_them(slot, kind, key):
    declared = slot(**{key: ONE})
    assert environment(declared, kind).urn in deployment(declared).dependencies


@pytest.mark.parametrize("key", ["env", "secret_env"])
def test_values_are_part_of_what_a_version_is(slot, key):
    one, other = (content_of(slot(**{key: values})) for values in (ONE, OTHER))
    assert one != other


def test_neither_the_slots_other_settings_nor_its_version_rename_its_variables(slot):
    one, other = (environment(slot(env=ONE, **more), "ConfigMap") for more in ({}, {"drain": 3, "port": 9}))
    assert one == other


def test_secret_values_are_marked_secret_whether_they_came_as_text_or_not(slot):
    for make in (str, pulumi.Output.from_input, pulumi.Output.secret):
        secret = environment(slot(secret_env={"API_KEY": "hush"}, make=make), "Secret")
        assert secret.secrets == {"stringData.API_KEY"}
        assert secret.inputs["immutable"] is True


def test_the_name_of_a_secret_is_no_secret_and_the_same_for_text_and_outputs(slot):
    names = set()
    for make in (str, pulumi.Output.secret):
        declared = slot(secret_env={"API_KEY": "hush"}, make=make)
        assert not {r.urn for r in declared.resources if r.secrets} - {environment(declared, "Secret").urn}
        name = environment(declared, "Secret").inputs["metadata"]["name"]
        assert container(declared)["env"][0]["valueFrom"]["secretKeyRef"] == {"name": name, "key": "API_KEY"}
        names.add(name)
    assert len(names) == 1


def test_a_preview_can_do_without_the_value_of_a_secret(slot):
    def resolved(value):
        future = asyncio.get_running_loop().create_future()
        future.set_result(value)
        return future

    def unknown(_):
        known, secret = False, True
        return pulumi.Output(resolved(set()), resolved(None), resolved(known), resolved(secret))

    declared = slot(secret_env={"API_KEY": "hush"}, make=unknown, preview=True)
    name = environment(declared, "Secret").inputs["metadata"]["name"]
    assert pulumi.contains_unknowns(name)
    assert pulumi.contains_unknowns(container(declared)["env"][0]["valueFrom"]["secretKeyRef"]["name"])


def test_no_value_of_a_secret_is_said_anywhere_else(slot):
    declared = slot(secret_env={"API_KEY": "hush-hush"}, env={"A": "1"})
    said = [r for r in declared.resources if "hush-hush" in json.dumps([r.name, r.urn, dict(r.inputs)], default=str)]
    assert [r.type for r in said] == ["kubernetes:core/v1:Secret"]
    assert "hush" not in str(declared.messages) + str(declared.exports)
    assert "hush" not in repr(declared.result._args)


def test_the_digest_of_a_secret_is_slow_and_salted():
    """A name can be read by whoever may see a Deployment: a guess must cost more than a hash does."""
    began = time.process_time()
    digests = {secret_digest({"K": "v"}, salt=salt) for salt in ("a/b", "a/c")}
    assert len(digests) == 2
    assert time.process_time() - began > 0.02
    began = time.process_time()
    secret_digest({"K": "v"}, salt="a/b")
    assert time.process_time() - began < 0.02, "asked again, it is remembered"
