"""Who owns a field: conflicts with others, and patches of objects that are not ours."""

from __future__ import annotations

SETTINGS = """
k8s.core.v1.ConfigMap(
    "settings",
    metadata={"namespace": NAMESPACE, "name": "settings", "annotations": {ANNOTATIONS}},
    data={"a": "VALUE"},
)
"""


def settings(value: str, annotations: str = "") -> str:
    return SETTINGS.replace("VALUE", value).replace("ANNOTATIONS", annotations)


def test_a_field_that_another_manager_took_is_a_conflict_that_names_it_until_the_patch_is_forced(stack):
    path = f"{stack.home}/configmaps"
    stack.program(settings("1"))
    stack.up()
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "2"}}
    stack.cluster.apply(theirs, path, manager="somebody-else")
    stack.program(settings("3"))
    said = stack.up(succeeds=False).output
    assert "somebody-else" in said
    assert ".data.a" in said
    assert stack.cluster.get(f"{path}/settings")["data"] == {"a": "2"}
    stack.program(settings("3", '"pulumi.com/patchForce": "true"'))
    assert stack.up().changes == {"update": 1, "unchanged": 1}
    assert stack.cluster.get(f"{path}/settings")["data"] == {"a": "3"}


def test_an_object_that_is_there_already_is_refused_on_create_and_adopted_when_the_provider_may(stack):
    path = f"{stack.home}/configmaps"
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"b": "2"}}
    stack.cluster.apply(theirs, path)
    stack.program(settings("1"))
    assert "already exists" in stack.up(succeeds=False).output
    stack.program(
        'provider = k8s.Provider("adopting", upsert_existing_objects=True)\n'
        + settings("1").strip().removesuffix(")")
        + "    opts=pulumi.ResourceOptions(provider=provider),\n)\n"
    )
    stack.up()
    assert stack.cluster.get(f"{path}/settings")["data"] == {"a": "1", "b": "2"}


def test_a_patch_resource_changes_only_its_fields_and_gives_them_back_on_destroy(stack):
    path = f"{stack.home}/configmaps"
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": {"b": "2"}}
    before = stack.cluster.apply(theirs, path)
    stack.program(
        """
        k8s.core.v1.ConfigMapPatch(
            "patch",
            metadata={"namespace": NAMESPACE, "name": "shared", "labels": {"ml-platform/team": "fraud"}},
            data={"a": "1"},
        )
        """
    )
    assert stack.up().changes == {"create": 2}
    patched = stack.cluster.get(f"{path}/shared")
    assert patched["data"] == {"a": "1", "b": "2"}
    assert patched["metadata"]["labels"] == {"ml-platform/team": "fraud"}
    assert stack.up().changes == {"unchanged": 2}
    stack.destroy()
    left = stack.cluster.get(f"{path}/shared")
    assert left["metadata"]["uid"] == before["metadata"]["uid"]
    assert left["data"] == {"b": "2"}
    assert not left["metadata"].get("labels")


def test_a_field_that_an_autoscaler_owns_and_the_program_leaves_out_is_left_alone(stack):
    program = """
    k8s.apps.v1.Deployment(
        "scaled",
        metadata={"namespace": NAMESPACE, "name": "scaled"},
        spec={"selector": {"matchLabels": {"app": "scaled"}}, "template": {
            "metadata": {"labels": {"app": "scaled"}},
            "spec": {"containers": [{"name": "server", "image": "iris:IMAGE"}]}}},
    )
    """
    stack.program(program.replace("IMAGE", "1"))
    stack.up()
    scale = f"{stack.apps}/deployments/scaled/scale"
    stack.cluster.edit(scale, {"spec": {"replicas": 3}}, manager="kube-controller-manager")
    assert stack.up().changes == {"unchanged": 2}
    stack.program(program.replace("IMAGE", "2"))
    assert stack.up().changes == {"update": 1, "unchanged": 1}
    assert stack.cluster.get(f"{stack.apps}/deployments/scaled")["spec"]["replicas"] == 3
