from __future__ import annotations

import json
import time

import pulumi
import pytest

from components.labels import owner_labels
from components.model_slot import ModelSlot, ModelSlotArgs, Scale
from components.slot_environment import secret_digest


@pytest.fixture
def slot(engine, content):
    def declare(**changes):
        def program():
            args = ModelSlotArgs(
                model="iris",
                slot="blue",
                namespace="flowers-test",
                labels=owner_labels(team="flowers", environment="test", name="iris"),
                service_account="iris",
                scale=Scale(min=2, max=6, cpu=60),
                content=content("1", **changes),
            )
            return ModelSlot("flowers-test/iris-blue", args)

        return engine.run(program)

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


def test_secret_values_are_marked_secret_and_nothing_else_is(slot):
    declared = slot(secret_env={"API_KEY": "hush"})
    secret = environment(declared, "Secret")
    assert secret.secrets == {"stringData.API_KEY"}
    assert secret.inputs["immutable"] is True
    assert [r.urn for r in declared.resources if r.secrets] == [secret.urn]
    name = secret.inputs["metadata"]["name"]
    assert container(declared)["env"][0]["valueFrom"]["secretKeyRef"] == {"name": name, "key": "API_KEY"}


def test_a_secret_that_is_known_only_later_is_refused(engine, content):
    """Its Secret would have to be replaced in place, and a failed `up` would leave one to be deleted by name."""
    with pytest.raises(TypeError, match="API_KEY: no text that is known by now"):
        engine.run(lambda: content(secret_env={"API_KEY": pulumi.Output.from_input("hush")}))


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
