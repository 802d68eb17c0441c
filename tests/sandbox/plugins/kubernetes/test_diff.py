from __future__ import annotations

import json
from copy import deepcopy

import pytest

from sandbox.plugins.kubernetes.checkpoint import Checkpoint
from sandbox.plugins.kubernetes.configuration import Configuration
from sandbox.plugins.kubernetes.diff import Kind, diff
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.property_paths import parse_path, render_path
from sandbox.plugins.properties import UNKNOWN

MANAGER = "pulumi-kubernetes-00000000"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "team", "labels": {"a.b/c": "1"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "c",
                        "image": "i:1",
                        "env": [{"name": "N", "value": "1000m"}],
                        "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}},
                    }
                ]
            },
        },
    },
}
KINDS = {
    "ConfigMap": {"apiVersion": "v1", "data": {"a": "1"}},
    "Secret": {"apiVersion": "v1", "type": "Opaque", "data": {"a": "MQ=="}},
    "Job": {"apiVersion": "batch/v1", "spec": {"template": {"spec": {"containers": [{"image": "i"}]}}}},
    "PersistentVolumeClaim": {
        "apiVersion": "v1",
        "spec": {"storageClassName": "x", "resources": {"requests": {"storage": "1Gi"}}},
    },
    "RoleBinding": {"apiVersion": "rbac.authorization.k8s.io/v1", "roleRef": {"name": "r"}},
    "Pod": {"apiVersion": "v1", "spec": {"containers": [{"name": "c", "image": "i"}]}},
    "Service": {"apiVersion": "v1", "spec": {"clusterIP": "10.0.0.1", "selector": {"a": "1"}}},
    "StatefulSet": {"apiVersion": "apps/v1", "spec": {"serviceName": "s", "replicas": 1}},
}


def changed(old, new, *, ignore=(), live=None, urn="urn:pulumi:s::p::kubernetes:apps/v1:Deployment::web", **settings):
    return diff(
        urn,
        Checkpoint(old, live or deepcopy(old), old["apiVersion"], MANAGER),
        new,
        ignore=ignore,
        manager=MANAGER,
        configuration=Configuration(**settings),
        namespaced=True,
    )


def edited(path, value, obj=DEPLOYMENT):
    result = deepcopy(obj)
    *parents, last = parse_path(path)
    target = result
    for step in parents:
        target = target[step]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return result


def kind(name):
    return {"kind": name, "metadata": {"name": "it", "namespace": "team"}, **deepcopy(KINDS[name])}


def test_equal_inputs_differ_in_nothing():
    assert changed(DEPLOYMENT, deepcopy(DEPLOYMENT)).changes == {}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("spec.template.spec.containers[0].image", "i:2", Kind.UPDATE),
        ("spec.minReadySeconds", 5, Kind.ADD),
        ("spec.replicas", None, Kind.DELETE),
        ("spec.template.spec.containers[0].env[0].value", "1", Kind.UPDATE),
        ('metadata.labels["a.b/c"]', "2", Kind.UPDATE),
        ("spec.replicas", UNKNOWN, Kind.UPDATE),
    ],
)
def test_a_change_is_named_by_its_property_path(path, value, expected):
    found = changed(DEPLOYMENT, edited(path, value))
    assert {text: each.kind for text, each in found.changes.items()} == {path: expected}
    assert found.replaces == []


@pytest.mark.parametrize("spelling", ["1", 1, "1.0", "1000m", "1e0"])
def test_a_quantity_spelt_otherwise_is_no_change(spelling):
    path = "spec.template.spec.containers[0].resources.limits.cpu"
    assert changed(DEPLOYMENT, edited(path, spelling)).changes == {}


def test_truth_is_not_the_number_one():
    old = edited("spec.paused", json.loads("true"))
    assert list(changed(old, edited("spec.paused", 1)).changes) == ["spec.paused"]


def test_the_default_namespace_spelt_out_is_no_change():
    old = edited("metadata.namespace", "default")
    assert changed(old, edited("metadata.namespace", None)).changes == {}


def test_fields_that_only_the_server_writes_are_passed_over():
    copied = deepcopy(DEPLOYMENT)
    copied["metadata"] |= {"uid": "u", "resourceVersion": "5", "generation": 3, "creationTimestamp": "t"}
    copied["status"] = {"replicas": 2}
    assert changed(DEPLOYMENT, copied).changes == {}


@pytest.mark.parametrize("path", ["metadata.name", "metadata.namespace"])
def test_another_name_or_namespace_makes_a_new_object_before_the_old_one_goes(path):
    found = changed(DEPLOYMENT, edited(path, "other"))
    assert found.replaces == [path]
    assert not found.delete_first


def test_a_changed_selector_needs_the_old_object_gone_first_because_the_name_is_taken():
    found = changed(DEPLOYMENT, edited("spec.selector.matchLabels.app", "x"))
    assert found.replaces == ["spec.selector.matchLabels.app"]
    assert found.delete_first


def test_an_autonamed_object_is_replaced_without_a_gap():
    named = edited("metadata.annotations", {"pulumi.com/autonamed": "true"})
    new = edited("spec.selector.matchLabels.app", "x", named)
    found = changed(named, new)
    assert found.replaces
    assert not found.delete_first


@pytest.mark.parametrize(
    ("name", "path", "value", "replaced"),
    [
        ("ConfigMap", "data.a", "2", True),
        ("Secret", "data.a", "Mg==", True),
        ("Secret", "type", "other", True),
        ("Job", "spec.template.spec.containers[0].image", "j", True),
        ("PersistentVolumeClaim", "spec.storageClassName", "y", True),
        ("PersistentVolumeClaim", "spec.resources.requests.storage", "2Gi", False),
        ("RoleBinding", "roleRef.name", "s", True),
        ("Pod", "spec.containers[0].image", "j", True),
        ("Service", "spec.clusterIP", "10.0.0.2", True),
        ("Service", "spec.selector.a", "2", False),
        ("StatefulSet", "spec.serviceName", "t", True),
        ("StatefulSet", "spec.replicas", 2, False),
    ],
)
def test_immutable_fields_of_each_kind_force_a_replacement_and_others_do_not(name, path, value, replaced):
    found = changed(kind(name), edited(path, value, kind(name)))
    assert list(found.changes) == [path]
    assert found.replaces == ([path] if replaced else [])


def test_the_provider_may_allow_config_maps_and_secrets_to_change_in_place_unless_they_are_frozen():
    mutable = {"enable_config_map_mutable": True, "enable_secret_mutable": True}
    for name, value in (("ConfigMap", "2"), ("Secret", "Mg==")):
        assert changed(kind(name), edited("data.a", value, kind(name)), **mutable).replaces == []
        frozen = {**kind(name), "immutable": True}
        assert changed(frozen, edited("data.a", value, frozen), **mutable).replaces == ["data.a"]


def test_a_patch_is_replaced_for_another_object_only():
    urn = "urn:pulumi:s::p::kubernetes:apps/v1:DeploymentPatch::web"
    assert changed(DEPLOYMENT, edited("spec.selector.matchLabels.app", "x"), urn=urn).replaces == []
    assert changed(DEPLOYMENT, edited("metadata.name", "x"), urn=urn).replaces == ["metadata.name"]


@pytest.mark.parametrize(
    "ignored", ["spec.replicas", "spec", "spec.template.spec.containers[*].image", 'metadata.labels["a.b/c"]']
)
def test_ignored_changes_are_no_changes(ignored):
    changes = {
        "spec.replicas": 3,
        "spec": {},
        "spec.template.spec.containers[*].image": "i:2",
        'metadata.labels["a.b/c"]': "2",
    }
    new = edited(ignored.replace("*", "0"), changes[ignored])
    assert changed(DEPLOYMENT, new, ignore=[ignored]).changes == {}


def test_a_removed_field_that_another_manager_owns_is_no_change_since_an_apply_leaves_it():
    fields = {"f:spec": {"f:replicas": {}}}
    live = edited("metadata.managedFields", [{"manager": "hpa", "operation": "Update", "fieldsV1": fields}])
    assert changed(DEPLOYMENT, edited("spec.replicas", None), live=live).changes == {}
    ours = [{"manager": MANAGER, "operation": "Apply", "fieldsV1": fields}]
    live["metadata"]["managedFields"] += ours
    assert list(changed(DEPLOYMENT, edited("spec.replicas", None), live=live).changes) == ["spec.replicas"]


def test_list_elements_are_added_and_removed_at_their_index():
    two = edited("spec.template.spec.containers", [{"name": "c"}, {"name": "d"}])
    one = edited("spec.template.spec.containers", [{"name": "c"}])
    assert changed(one, two).changes["spec.template.spec.containers[1]"].kind is Kind.ADD
    assert changed(two, one).changes["spec.template.spec.containers[1]"].kind is Kind.DELETE


@pytest.mark.parametrize("path", ["a", "a.b", "a[0].b", 'a["b.c"]', 'a["b\\"c"].d', "a[0][1]"])
def test_a_property_path_is_written_as_it_was_read(path):
    assert render_path(parse_path(path)) == path


@pytest.mark.parametrize("path", ["a[", "a]", 'a["b'])
def test_what_is_no_property_path_is_refused(path):
    with pytest.raises(ProviderError, match="not a property path"):
        parse_path(path)
