from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.naming import Autonaming, adopt_name, field_manager, name_unnamed
from sandbox.plugins.kubernetes.ownership import foreign_managers, needs_takeover, owners, takeover_patch
from sandbox.plugins.kubernetes.read import pruned
from sandbox.plugins.properties import UNKNOWN

URN = "urn:pulumi:dev::p::mlplatform:index:Model$kubernetes:apps/v1:Deployment::web"
US = "pulumi-kubernetes-00000000"


def live(*entries):
    return {
        "metadata": {"resourceVersion": "7", "managedFields": list(entries)},
        "spec": {"replicas": 2, "list": [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "set": ["x", "y"]},
    }


def entry(manager, fields, operation="Apply", **more):
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


@pytest.mark.parametrize(
    ("fields", "path", "owned"),
    [
        ({"f:spec": {"f:replicas": {}}}, ("spec", "replicas"), True),
        ({"f:spec": {"f:replicas": {}}}, ("spec",), True),
        ({"f:spec": {"f:replicas": {}}}, ("spec", "other"), False),
        ({"f:spec": {"f:list": {'k:{"name":"b"}': {"f:v": {}}}}}, ("spec", "list", 1, "v"), True),
        ({"f:spec": {"f:list": {'k:{"name":"b"}': {"f:v": {}}}}}, ("spec", "list", 0, "v"), False),
        ({"f:spec": {"f:set": {'v:"x"': {}}}}, ("spec", "set", 0), True),
        ({"f:spec": {"f:set": {'v:"x"': {}}}}, ("spec", "set", 1), False),
        ({"f:spec": {"f:list": {}}}, ("spec", "list", 0, "v"), True),
    ],
    ids=["leaf", "parent", "sibling", "element", "other element", "member", "other member", "atomic list"],
)
def test_owners_of_a_field_are_read_off_the_managed_fields(fields, path, owned):
    assert owners(live(entry("m", fields)), path) == ({("m", "Apply")} if owned else set())


def test_a_field_is_foreign_only_when_we_have_no_part_in_it():
    fields = {"f:spec": {"f:replicas": {}}}
    path = ("spec", "replicas")
    assert foreign_managers(live(entry("hpa", fields, "Update")), path, US) == {"hpa"}
    assert foreign_managers(live(entry("hpa", fields, "Update"), entry(US, fields)), path, US) is None
    assert foreign_managers(live(entry("kubectl-client-side-apply", fields, "Update")), path, US) is None
    assert foreign_managers(live(), path, US) is None


def test_what_the_official_provider_created_is_handed_to_our_apply():
    posted = entry(US, {"f:spec": {"f:replicas": {}}}, "Update", apiVersion="v1", fieldsType="FieldsV1")
    status = entry("kubelet", {"f:status": {}}, "Update", subresource="status")
    ours = entry(US, {"f:spec": {"f:set": {}}}, apiVersion="v1", fieldsType="FieldsV1")
    assert needs_takeover(live(posted), US)
    assert not needs_takeover(live(ours, status), US)
    fields, version = takeover_patch(live(posted, status, ours), US)
    assert version["value"] == "7"
    merged = {"f:spec": {"f:replicas": {}, "f:set": {}}}
    assert fields["value"] == [status, entry(US, merged, apiVersion="v1", fieldsType="FieldsV1")]


def test_a_field_manager_follows_from_the_urn_unless_the_state_or_an_annotation_names_one():
    assert field_manager({}, URN) == field_manager({}, URN) != field_manager({}, URN + "2")
    assert field_manager({}, URN, "known") == "known"
    said = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "me"}}}
    assert field_manager(said, URN, "known") == "me"


def test_names_depend_on_the_seed_alone_and_are_marked():
    first, second, third = {}, {}, {}
    name_unnamed(first, URN, b"seed", None)
    name_unnamed(second, URN, b"seed", None)
    name_unnamed(third, URN, b"other", None)
    assert first == second != third
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}


@pytest.mark.parametrize("metadata", [{"name": "mine"}, {"name": UNKNOWN}, {"generateName": "g-"}, UNKNOWN])
def test_what_has_a_name_or_will_have_one_is_not_named(metadata):
    obj = {"metadata": metadata if metadata is UNKNOWN else dict(metadata)}
    name_unnamed(obj, URN, b"seed", None)
    assert obj == {"metadata": metadata}


def test_the_stacks_own_rule_for_names_is_followed():
    obj = {}
    name_unnamed(obj, URN, b"seed", Autonaming("proposed", enforced=False, disabled=False))
    assert obj["metadata"]["name"] == "proposed"
    with pytest.raises(ProviderError, match="autonaming is disabled"):
        name_unnamed({}, URN, b"seed", Autonaming("", enforced=False, disabled=True))


def test_a_made_up_name_is_kept_and_a_given_one_is_not():
    old = {}
    name_unnamed(old, URN, b"seed", None)
    new = {"metadata": {}}
    adopt_name(new, old)
    assert new == old
    unnamed = {"metadata": {}}
    adopt_name(unnamed, {"metadata": {"name": "given"}})
    assert unnamed == {"metadata": {}}


@pytest.mark.parametrize(
    ("declared", "found", "expected"),
    [
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 2}),
        ({"a": 1, "gone": 2}, {"a": 1}, {"a": 1}),
        ({"a": {}, "b": "", "c": False, "d": 0, "e": []}, {}, {"a": {}, "b": "", "c": False, "d": 0, "e": []}),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, {"limits": {"cpu": "1000m"}}),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "2"}}, {"limits": {"cpu": "2"}}),
        ({"l": [{"name": "b"}]}, {"l": [{"name": "a"}, {"name": "b", "x": 1}]}, {"l": [{"name": "b"}]}),
        ({"l": ["a", "b"]}, {"l": ["b"]}, {"l": ["b"]}),
        ({"l": [{"verbs": ["get"]}]}, {"l": [{"verbs": ["get"], "x": 1}]}, {"l": [{"verbs": ["get"]}]}),
    ],
    ids=["others' fields", "removed", "empty", "spelling", "quantity", "keyed list", "plain list", "unkeyed objects"],
)
def test_a_refresh_brings_in_the_live_values_of_what_was_declared(declared, found, expected):
    assert pruned(found, declared) == expected
