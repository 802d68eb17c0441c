"""Creating and updating objects of a real API server."""

from __future__ import annotations

import base64
import json
import threading

import pytest

from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.properties import UNKNOWN, Secret


def deployment(caller, **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": caller.namespace, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i:1"}]},
            },
            **spec,
        },
    }


def test_an_object_is_created_under_the_official_id_with_the_live_object_as_outputs(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    assert it.id == f"{provider.namespace}/a"
    assert it.state["metadata"]["uid"] == provider.live("configmaps", "a")["metadata"]["uid"]
    assert it.state["__initialApiVersion"] == "v1"
    assert it.state["__inputs"]["data"] == {"a": "1"}
    (entry,) = provider.live("configmaps", "a")["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == (it.state["__fieldManager"], "Apply")


def test_any_character_arrives(provider):
    """Also one beyond the basic plane: an apply patch is read as YAML, which knows no surrogate pairs."""
    data = {"word": "größe, 大, 𨀽, 🌸"}
    provider.resource("core/v1:ConfigMap").create(provider.config_map("it", data))
    assert provider.live("configmaps", "it")["data"] == data


def test_an_unnamed_object_is_named_and_placed_in_the_default_namespace(provider):
    provider.configure(kubeconfig=str(provider.kubeconfig), namespace=provider.namespace)
    it = provider.resource("core/v1:ConfigMap", "settings").create({"data": {"a": "1"}})
    name = it.inputs["metadata"]["name"]
    assert name.startswith("settings-")
    assert it.id == f"{provider.namespace}/{name}"
    assert it.check({"data": {"a": "2"}})["metadata"]["name"] == name


def test_a_cluster_scoped_object_gets_no_namespace(provider):
    name = f"{provider.namespace}-x"
    it = provider.resource("core/v1:Namespace").create({"metadata": {"name": name}})
    assert it.id == name
    it.delete()


def test_an_object_that_exists_is_refused_with_its_owner_and_the_ways_to_adopt_it(provider):
    provider.apply(provider.config_map("a"), "configmaps", "someone")
    with pytest.raises(RuntimeError, match=r"already exists \(managed by someone\).*import it.*upsertExistingObjects"):
        provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "2"}))
    assert provider.live("configmaps", "a")["data"] == {"a": "1"}


def test_an_existing_object_is_updated_when_the_provider_may_upsert(provider):
    provider.apply(provider.config_map("a", {"b": "1"}), "configmaps", "someone")
    provider.configure(kubeconfig=str(provider.kubeconfig), upsertExistingObjects=True)
    provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "2"}))
    assert provider.live("configmaps", "a")["data"] == {"a": "2", "b": "1"}


def test_an_object_that_is_on_its_way_out_is_not_taken_for_the_new_one(provider):
    """An apply to it succeeds, and a moment later it is gone, with everything that was declared."""
    provider.configure(kubeconfig=str(provider.kubeconfig), upsertExistingObjects=True)
    provider.apply(provider.config_map("a", {"b": "1"}, finalizers=["example.com/hold"]), "configmaps", "someone")
    path = f"/api/v1/namespaces/{provider.namespace}/configmaps/a"
    provider.api.request("DELETE", path)
    former = provider.live("configmaps", "a")["metadata"]["uid"]
    release = {"metadata": {"finalizers": None}}
    merge = {"content_type": "application/merge-patch+json"}
    timer = threading.Timer(1, provider.api.request, ("PATCH", path, release), merge)
    timer.start()
    provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "2"}))
    timer.join()
    live = provider.live("configmaps", "a")
    assert live["data"] == {"a": "2"}
    assert live["metadata"]["uid"] != former
    assert any("Waiting for" in text and "to be deleted" in text for text in provider.log.status)


def test_an_object_that_an_interrupted_update_left_is_taken_on_and_not_deleted_with_its_predecessor(provider):
    it = provider.resource("core/v1:ConfigMap")
    provider.apply(provider.config_map("a"), "configmaps", field_manager({}, it.urn))
    it.create(provider.config_map("a", {"a": "2"}))
    assert provider.live("configmaps", "a")["data"] == {"a": "2"}
    assert any("interrupted" in text for text in provider.log.lasting)
    it.delete()  # as the engine would do with a predecessor of the same name and uid
    assert provider.live("configmaps", "a") is not None


def test_an_orphan_of_another_resource_is_not_taken_on(provider):
    other = provider.resource("core/v1:ConfigMap", "former-name")
    other.create(provider.config_map("a"))
    with pytest.raises(RuntimeError, match="give it an alias"):
        provider.resource("core/v1:ConfigMap", "new-name").create(provider.config_map("a"))


def test_many_objects_are_created_at_once(provider):
    made = []

    def work(number):
        resource = provider.resource("core/v1:ConfigMap", f"r{number}")
        made.append(resource.create(provider.config_map(f"c{number}")).id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 12


def test_a_misspelt_field_is_warned_of_in_the_servers_words(provider):
    spec = deployment(provider, replicaz=2)
    with pytest.raises(RuntimeError, match="replicaz"):
        provider.resource("apps/v1:Deployment").create(spec, preview=True)


def test_an_update_changes_and_removes_only_declared_fields(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "1", "b": "1"}))
    provider.apply(provider.config_map("a", {"c": "theirs"}), "configmaps", "someone")
    outputs = it.update(provider.config_map("a", {"a": "2"}))
    assert outputs["data"] == {"a": "2", "c": "theirs"}
    assert outputs["__fieldManager"] == it.state["__fieldManager"]


def test_a_conflict_names_the_other_manager_the_field_and_the_annotation(provider):
    it = provider.resource("apps/v1:Deployment").create(deployment(provider))
    provider.apply(deployment(provider, replicas=5), "deployments", "scaler", "/apis/apps/v1")
    with pytest.raises(RuntimeError) as caught:
        it.update(deployment(provider, replicas=2))
    assert '.spec.replicas: owned by "scaler"' in str(caught.value)
    assert 'pulumi.com/patchForce: "true"' in str(caught.value)
    forced = deployment(provider, replicas=2)
    forced["metadata"]["annotations"]["pulumi.com/patchForce"] = "true"
    assert it.update(forced)["spec"]["replicas"] == 2


def test_a_preview_meets_the_same_conflict(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    provider.apply(provider.config_map("a", {"a": "theirs"}), "configmaps", "someone")
    with pytest.raises(RuntimeError, match='owned by "someone"'):
        it.update(provider.config_map("a", {"a": "2"}), preview=True)


def test_an_ignored_field_is_left_to_its_owner(provider):
    it = provider.resource("apps/v1:Deployment").create(deployment(provider))
    provider.apply(deployment(provider, replicas=5), "deployments", "scaler", "/apis/apps/v1")
    declared = deployment(provider, minReadySeconds=1)
    assert list(it.diff(declared, ignore=("spec.replicas",)).detailedDiff) == ["spec.minReadySeconds"]
    outputs = it.update(declared, ignore=("spec.replicas",))
    assert (outputs["spec"]["replicas"], outputs["spec"]["minReadySeconds"]) == (5, 1)


def test_an_ignored_field_of_ours_keeps_its_value(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "1", "b": "1"}))
    outputs = it.update(provider.config_map("a", {"a": "9", "b": "2"}), ignore=("data.a",))
    assert outputs["data"] == {"a": "1", "b": "2"}


def test_an_object_that_the_official_provider_posted_loses_what_the_program_drops(provider):
    it = provider.resource("core/v1:ConfigMap")
    it.inputs = it.check(provider.config_map("a", {"a": "1", "b": "1"}))
    path = f"/api/v1/namespaces/{provider.namespace}/configmaps?fieldManager=pulumi-kubernetes-00aa11bb"
    _, answer = provider.api.request("POST", path, it.inputs)
    own = {"__inputs": it.inputs, "__initialApiVersion": "v1", "__fieldManager": "pulumi-kubernetes-00aa11bb"}
    it.state, it.id = {**json.loads(answer), **own}, f"{provider.namespace}/a"
    assert it.diff(provider.config_map("a", {"a": "1", "b": "1"})).changes == 1
    assert it.update(provider.config_map("a", {"a": "2"}), preview=True)["data"]["a"] == "2"
    assert it.update(provider.config_map("a", {"a": "2"}))["data"] == {"a": "2"}
    (entry,) = provider.live("configmaps", "a")["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("pulumi-kubernetes-00aa11bb", "Apply")


def test_an_update_of_an_object_that_is_gone_does_not_make_it_again(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    provider.api.delete(f"/api/v1/namespaces/{provider.namespace}/configmaps/a")
    with pytest.raises(RuntimeError, match=r"no longer there.*pulumi refresh"):
        it.update(provider.config_map("a", {"a": "2"}))
    assert provider.live("configmaps", "a") is None


def test_an_object_that_someone_made_again_is_updated(provider):
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a"))
    provider.api.delete(f"/api/v1/namespaces/{provider.namespace}/configmaps/a")
    provider.apply(provider.config_map("a", {"b": "theirs"}), "configmaps", "someone")
    assert it.update(provider.config_map("a", {"a": "2"}))["data"] == {"a": "2", "b": "theirs"}


def test_a_secret_stays_secret_and_a_key_that_is_dropped_is_gone(provider):
    def secret(**texts):
        metadata = {"name": "s", "namespace": provider.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": texts}

    it = provider.resource("core/v1:Secret").create(secret(a="one", b="two"))
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in {"a": "one", "b": "two"}.items()}
    assert it.inputs["stringData"] == Secret({"a": "one", "b": "two"})
    assert it.state["data"] == Secret(encoded)
    assert it.state["__inputs"]["stringData"] == Secret({"a": "one", "b": "two"})
    provider.configure(kubeconfig=str(provider.kubeconfig), enableSecretMutable=True)
    it.update(secret(a="one"))
    assert set(provider.live("secrets", "s")["data"]) == {"a"}
    assert it.read() == it.id
    assert it.inputs["stringData"] == Secret({"a": "one"})


def test_a_secret_in_a_container_stays_secret(provider):
    declared = deployment(provider)
    declared["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "P", "value": Secret("hunter2")}]
    it = provider.resource("apps/v1:Deployment").create(declared)
    assert isinstance(it.state["spec"]["template"]["spec"]["containers"], Secret)
    assert isinstance(it.state["__inputs"]["spec"]["template"]["spec"]["containers"], Secret)


def test_a_preview_shows_what_the_server_would_fill_in_and_makes_nothing(provider):
    it = provider.resource("core/v1:Service").create(
        {"metadata": {"name": "s", "namespace": provider.namespace}, "spec": {"ports": [{"port": 80}]}}, preview=True
    )
    assert it.id == ""
    assert it.state["spec"]["ports"][0]["protocol"] == "TCP"
    assert it.state["spec"]["clusterIP"] is UNKNOWN
    assert provider.live("services", "s") is None


@pytest.mark.parametrize(
    "news",
    [
        {"metadata": {"name": "a", "namespace": "comes-later"}, "data": {"a": "1"}},
        {"metadata": {"name": "a", "namespace": "default"}, "data": {"a": UNKNOWN}},
        {"metadata": UNKNOWN, "data": {"a": "1"}},
    ],
    ids=["namespace of the same plan", "unknown value", "unknown metadata"],
)
def test_a_preview_falls_back_to_the_inputs(provider, news):
    it = provider.resource("core/v1:ConfigMap").create(news, preview=True)
    assert it.state["data"] == news["data"]
    assert "uid" not in (it.state["metadata"] if it.state["metadata"] is not UNKNOWN else {})


def test_a_preview_of_a_kind_whose_definition_comes_later_falls_back_to_the_inputs(provider):
    news = {"apiVersion": "later.example.com/v1", "kind": "Later", "metadata": {"name": "a"}, "spec": {"a": 1}}
    it = provider.resource("later.example.com/v1:Later").create(news, preview=True)
    assert it.state["spec"] == {"a": 1}


def test_a_preview_refuses_what_the_server_would_refuse(provider):
    with pytest.raises(RuntimeError, match="selector"):
        provider.resource("apps/v1:Deployment").create(
            deployment(provider, selector={"matchLabels": {"app": "other"}}), preview=True
        )


def test_a_preview_without_a_cluster_says_so_and_goes_on(unreachable):
    it = unreachable.resource("apps/v1:Deployment").create(deployment(unreachable), preview=True)
    assert it.state["spec"]["replicas"] == 1
    assert any("does not answer" in text for text in unreachable.log.lasting)
    assert unreachable.resource("core/v1:Namespace").check({"metadata": {"name": "n"}})["metadata"] == {"name": "n"}


def test_a_create_without_a_cluster_fails_and_says_where_it_looked(unreachable):
    with pytest.raises(RuntimeError, match=r"the API server at https://127.0.0.1:1 does not answer"):
        unreachable.resource("core/v1:ConfigMap").create(unreachable.config_map("a"))


def test_a_client_side_provider_updates_by_a_merge_patch(provider):
    provider.configure(kubeconfig=str(provider.kubeconfig), enableServerSideApply="false")
    it = provider.resource("core/v1:ConfigMap").create(provider.config_map("a", {"a": "1", "b": "1"}))
    assert it.update(provider.config_map("a", {"a": "2"}))["data"] == {"a": "2"}
    with pytest.raises(RuntimeError, match="already exists"):
        provider.resource("core/v1:ConfigMap", "other").create(provider.config_map("a"))


def test_an_object_that_does_not_become_ready_is_handed_over_with_the_reasons(provider):
    declared = deployment(provider)
    declared["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1"}
    declared["spec"]["template"]["spec"]["nodeSelector"] = {"no": "node"}
    it = provider.resource("apps/v1:Deployment")
    with pytest.raises(RuntimeError) as caught:
        it.create(declared)
    partial = caught.value.partial
    assert partial.id == f"{provider.namespace}/web"
    assert partial.properties.fields["metadata"].struct_value.fields["uid"].string_value
    assert "__inputs" in partial.properties.fields
    assert "within 1 s" in partial.reasons[0]
    assert any(text for text in provider.log.status)
