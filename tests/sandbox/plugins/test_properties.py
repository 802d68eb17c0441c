from __future__ import annotations

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plugins.kubernetes.checkpoint import mark_secrets, outputs, preview_outputs, read_checkpoint
from sandbox.plugins.properties import UNKNOWN, Secret, decode, encode, has_secrets, has_unknowns, plain

KEYS = st.text(min_size=1, max_size=8)
LEAVES = st.one_of(
    st.text(max_size=20), st.booleans(), st.integers(-(2**53), 2**53), st.just(UNKNOWN), st.text().map(Secret)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_properties_survive_the_way_to_the_engine_and_back(properties):
    assert decode(encode(properties)) == properties


def test_whole_numbers_come_back_as_integers_because_the_api_server_refuses_80_point_0():
    number = decode(encode({"port": 80}))["port"]
    assert (number, type(number)) == (80, int)
    assert decode(encode({"ratio": 0.5})) == {"ratio": 0.5}


def test_nulls_in_an_object_are_left_out_as_upstream_does():
    struct = struct_pb2.Struct()
    struct.update({"a": None, "b": {"c": None}})
    assert decode(struct) == {"b": {}}


def test_an_output_value_becomes_its_value_a_secret_or_unknown():
    signature = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    struct = struct_pb2.Struct()
    struct.update({"a": {**signature, "value": "x", "secret": True}, "b": signature, "c": {**signature, "value": 1}})
    assert decode(struct) == {"a": Secret("x"), "b": UNKNOWN, "c": 1}


def test_an_asset_is_refused():
    struct = struct_pb2.Struct()
    struct.update({"a": {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})
    with pytest.raises(TypeError, match="assets and archives"):
        decode(struct)


def test_plain_takes_every_wrapper_off():
    assert plain({"a": Secret({"b": [Secret("x")]})}) == {"a": {"b": ["x"]}}
    assert not has_secrets(plain({"a": [Secret("x")]}))


def test_an_unknown_inside_a_secret_is_unknown():
    assert has_unknowns({"a": [Secret({"b": UNKNOWN})]})


def test_a_secret_never_shows_in_a_traceback():
    assert "hunter2" not in repr(Secret("hunter2"))


def test_a_secret_input_is_secret_at_the_same_place_of_the_state():
    inputs = {"spec": {"a": Secret("x"), "b": "y", "list": [{"v": Secret("z")}]}}
    live = {"spec": {"a": "x", "b": "y", "c": 1, "list": [{"v": "z"}, {"v": "other"}]}}
    state = outputs(inputs, live, initial_api_version="v1", manager="m")
    assert state["spec"]["a"] == Secret("x")
    assert state["spec"]["list"] == Secret([{"v": "z"}, {"v": "other"}])
    assert (state["spec"]["b"], state["spec"]["c"]) == ("y", 1)
    assert state["__inputs"]["spec"]["a"] == Secret("x")


def test_the_data_of_a_secret_is_always_secret_also_within_another_object():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data": "aGk="}', "a": "b"}},
        "data": {"k": "aGk="},
    }
    marked = mark_secrets({"apiVersion": "v1", "kind": "Template", "object": secret}, {"object": {}})["object"]
    assert marked["data"] == Secret({"k": "aGk="})
    annotations = marked["metadata"]["annotations"]
    assert isinstance(annotations["kubectl.kubernetes.io/last-applied-configuration"], Secret)
    assert annotations["a"] == "b"


def test_a_config_map_is_not_taken_for_a_secret():
    live = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"kind": "Secret"}}
    assert not has_secrets(mark_secrets(live, {}))


def test_a_state_of_the_official_provider_is_read():
    state = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "__inputs": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
        "__initialApiVersion": "v1",
        "__fieldManager": "pulumi-kubernetes-0011aabb",
    }
    read = read_checkpoint(state)
    assert read.manager == "pulumi-kubernetes-0011aabb"
    assert read.inputs == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert set(read.live) == {"apiVersion", "kind", "metadata"}


def test_dashed_fields_of_a_definition_are_spelt_as_the_sdks_can():
    live = {"spec": {"x-kubernetes-preserve-unknown-fields": True}}
    state = outputs(live, live, initial_api_version="v1", manager="m")
    assert state["spec"] == {"x_kubernetes_preserve_unknown_fields": True}
    assert read_checkpoint(state).live == live


def test_a_preview_promises_no_uid_and_no_address_that_a_dry_run_made_up():
    inputs = {"kind": "Service", "spec": {"ports": [{"port": 80}]}}
    live = {**inputs, "metadata": {"uid": "u", "name": "a"}, "spec": {"clusterIP": "10.0.0.1"}, "status": {}}
    state = preview_outputs(live, inputs)
    assert state["metadata"] == {"uid": UNKNOWN, "name": "a"}
    assert state["spec"]["clusterIP"] is UNKNOWN
    assert "status" not in state
