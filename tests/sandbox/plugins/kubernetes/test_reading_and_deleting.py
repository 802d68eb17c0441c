"""Refresh, import, deletion, and the resources that are no object of their own, on a real API server."""

from __future__ import annotations

import json
import threading
import time

import pytest

from sandbox.plugins.properties import Secret, plain
from sandbox.plugins.protocol import provider_pb2


def imported(caller, token, identifier):
    it = caller.resource(token)
    it.id = identifier
    assert it.read() == identifier
    return it


def test_a_refresh_of_an_untouched_object_changes_no_input(provider):
    limits = {"limits": {"cpu": "1000m", "memory": "0.5Gi"}}
    declared = {
        "metadata": {"name": "p", "namespace": provider.namespace, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "containers": [{"name": "c", "image": "i", "resources": limits, "env": [{"name": "E", "value": ""}]}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
    }
    it = provider.resource("core/v1:Pod").create(declared)
    before = it.inputs
    assert it.read() == it.id
    assert it.inputs == before
    assert it.diff(declared).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_refresh_brings_in_what_somebody_changed(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "1", "b": "1"}))
    provider.apply(provider.config_map("a", {"a": "2", "c": "theirs"}), "configmaps", "someone")
    it.read()
    assert it.inputs["data"] == {"a": "2", "b": "1"}
    assert list(it.diff(provider.config_map("a", {"a": "1", "b": "1"})).detailedDiff) == ["data.a"]


def test_a_refresh_finds_that_an_object_is_gone(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    provider.api.delete(f"/api/v1/namespaces/{provider.namespace}/configmaps/a")
    assert it.read() == ""


def test_an_import_declares_the_object_without_what_the_server_wrote(provider):
    theirs = provider.config_map(
        "a", annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    )
    provider.apply(theirs, "configmaps", "someone")
    it = imported(provider, "core/v1:ConfigMap", f"{provider.namespace}/a")
    assert it.inputs == provider.config_map("a", annotations={"mine": "1"})
    assert it.diff(it.inputs).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_data_of_an_imported_secret_is_secret(provider):
    metadata = {"name": "s", "namespace": provider.namespace}
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"k": "aGk="}}
    provider.apply(theirs, "secrets", "someone")
    it = imported(provider, "core/v1:Secret", f"{provider.namespace}/s")
    assert it.inputs["data"] == it.state["data"] == Secret({"k": "aGk="})


def test_what_does_not_exist_cannot_be_imported(provider):
    it = provider.resource("core/v1:ConfigMap")
    it.id = f"{provider.namespace}/absent"
    assert it.read() == ""


def test_a_deletion_waits_until_the_object_is_gone(provider):
    declared = provider.config_map("a", finalizers=["example.com/hold"])
    it = provider.resource("core/v1:ConfigMap").create(declared)
    done = threading.Thread(target=it.delete)
    done.start()
    deadline = time.monotonic() + 20
    while not any("example.com/hold" in text for text in provider.log.status):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert done.is_alive()
    path = f"/api/v1/namespaces/{provider.namespace}/configmaps/a"
    release = {"metadata": {"finalizers": None}}
    provider.api.request("PATCH", path, release, content_type="application/merge-patch+json")
    done.join(timeout=20)
    assert provider.live("configmaps", "a") is None


def test_a_deletion_that_takes_too_long_keeps_the_object_in_the_state(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", finalizers=["example.com/hold"]))
    with pytest.raises(RuntimeError) as caught:
        it.delete(timeout=1)
    assert caught.value.partial.id == it.id
    assert any("example.com/hold" in reason for reason in caught.value.partial.reasons)
    path = f"/api/v1/namespaces/{provider.namespace}/configmaps/a"
    provider.api.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json")


def test_a_cancel_ends_a_wait_at_once(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", finalizers=["example.com/hold"]))
    ended = []

    def wait():
        with pytest.raises(RuntimeError, match="cancelled"):
            it.delete(timeout=60)
        ended.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    asked = time.monotonic()
    provider.stub.Cancel(provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty())
    waiting.join(timeout=20)
    assert ended[0] - asked < 2
    path = f"/api/v1/namespaces/{provider.namespace}/configmaps/a"
    provider.api.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json")


def test_deleting_what_is_gone_succeeds(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    it.delete()
    it.delete()


def test_a_deletion_without_a_cluster_fails_unless_the_provider_may_forget(unreachable, provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    it.caller = unreachable
    with pytest.raises(RuntimeError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        it.delete()
    with pytest.raises(RuntimeError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        it.read()
    unreachable.configure(kubeconfig=unreachable.kubeconfig, deleteUnreachable=True)
    it.delete()
    assert it.read() == ""


def test_a_refresh_without_a_cluster_may_keep_the_state(unreachable, provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    it.caller, before = unreachable, it.state
    unreachable.configure(kubeconfig=unreachable.kubeconfig, skipUpdateUnreachable=True)
    assert it.read() == it.id
    assert it.state == before


@pytest.mark.parametrize(("policy", "left"), [(None, False), ("orphan", True)])
def test_dependents_go_first_unless_they_are_to_be_orphaned(provider, policy, left):
    annotations = {"pulumi.com/skipAwait": "true"}
    if policy:
        annotations["pulumi.com/deletionPropagationPolicy"] = policy
    labels = {"app": "web"}
    it = provider.resource("apps/v1:ReplicaSet").create(
        {
            "metadata": {"name": "web", "namespace": provider.namespace, "annotations": annotations},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
            },
        }
    )
    pods = f"/api/v1/namespaces/{provider.namespace}/pods"
    deadline = time.monotonic() + 30
    while not provider.api.get(pods)["items"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    it.delete()
    assert bool(provider.api.get(pods)["items"]) is left


def test_a_patch_changes_only_its_fields_and_gives_them_back(provider):
    provider.apply(provider.config_map("a", {"a": "theirs"}), "configmaps", "someone")
    it = provider.resource("core/v1:ConfigMapPatch").create(provider.config_map("a", {"b": "ours"}))
    assert provider.live("configmaps", "a")["data"] == {"a": "theirs", "b": "ours"}
    it.update(provider.config_map("a", {"c": "ours"}))
    assert provider.live("configmaps", "a")["data"] == {"a": "theirs", "c": "ours"}
    it.delete()
    assert provider.live("configmaps", "a")["data"] == {"a": "theirs"}


def test_a_patch_must_name_its_object(provider):
    it = provider.resource("core/v1:ConfigMapPatch")
    it.check({"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "1"}})
    assert it.failures == [("metadata.name", "a patch must name the object that it changes")]


def test_a_list_is_its_elements(provider):
    def items(*names):
        return {"apiVersion": "v1", "kind": "ConfigMapList", "items": [provider.config_map(name) for name in names]}

    it = provider.resource("core/v1:ConfigMapList").create(items("a", "b"))
    assert [item["metadata"]["name"] for item in it.state["items"]] == ["a", "b"]
    assert it.diff(items("a", "b")).changes == provider_pb2.DiffResponse.DIFF_NONE
    it.update(items("b", "c"))
    names = [
        m["metadata"]["name"] for m in provider.api.get(f"/api/v1/namespaces/{provider.namespace}/configmaps")["items"]
    ]
    assert {"b", "c"} <= set(names)
    assert "a" not in names
    assert it.read() == it.id
    assert plain(it.inputs)["items"] == items("b", "c")["items"]
    it.delete()
    assert it.read() == ""


def test_an_element_of_a_list_needs_a_name(provider):
    it = provider.resource("core/v1:ConfigMapList")
    it.check({"kind": "ConfigMapList", "apiVersion": "v1", "items": [{"data": {"a": "1"}}]})
    assert it.failures[0][0] == "items[0].metadata.name"


def test_a_custom_resource_waits_for_the_definition_that_comes_beside_it(provider):
    group = f"{provider.namespace}.example.com"
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    definition = {
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    crd = provider.resource("apiextensions.k8s.io/v1:CustomResourceDefinition")
    thing = provider.resource(f"{group}/v1:Thing")
    news = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"any": 1}}
    crd.check(definition)
    assert "namespace" not in thing.check(news)["metadata"]  # the definition of this plan says so
    making = threading.Thread(target=thing.create, args=(news,))
    making.start()
    crd.create(definition)
    making.join(timeout=60)
    assert thing.id == "t"
    assert crd.diff(definition).changes == provider_pb2.DiffResponse.DIFF_NONE
    thing.delete()
    crd.delete()
    assert thing.read() == ""
    thing.delete()


def test_functions_and_components_say_what_they_need(provider):
    with pytest.raises(RuntimeError, match="official kubernetes plugin"):
        provider.call("Invoke", provider_pb2.InvokeRequest(tok="kubernetes:yaml:decode"))
    with pytest.raises(RuntimeError, match="official kubernetes plugin"):
        provider.call("Construct", provider_pb2.ConstructRequest(type="kubernetes:helm.sh/v4:Chart"))


def test_the_plugin_calls_itself_what_the_sdk_asks_for(provider):
    empty = provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty()
    assert provider.stub.GetPluginInfo(empty).version == "4.34.2"
    assert json.loads(provider.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)["name"] == "kubernetes"
