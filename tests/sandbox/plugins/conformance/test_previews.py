"""What a preview can know before anything is there, and what it must refuse."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

PROGRAM = """
group = NAMESPACE + ".example.com"
crd = k8s.apiextensions.v1.CustomResourceDefinition(
    "crd",
    metadata={"name": "canaries." + group},
    spec={
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": "canaries", "singular": "canary", "kind": "Canary"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {"share": {"type": "integer", "maximum": 100}}}}}},
        }],
    },
)
k8s.apiextensions.CustomResource(
    "canary", api_version=group + "/v1", kind="Canary",
    metadata={"name": "iris", "namespace": NAMESPACE}, spec={"share": SHARE},
    opts=pulumi.ResourceOptions(depends_on=[crd]),
)

inner = NAMESPACE + "-inner"
space = k8s.core.v1.Namespace("space", metadata={"name": inner})
first = k8s.core.v1.ConfigMap("first", metadata={"namespace": space.metadata["name"]}, data={"a": "1"})
k8s.core.v1.ConfigMap(
    "by-name", metadata={"namespace": inner, "name": "by-name"}, opts=pulumi.ResourceOptions(depends_on=[space])
)
k8s.core.v1.ConfigMap(
    "second",
    metadata={"namespace": NAMESPACE, "name": "second"},
    data={"id": first.id, "name": first.metadata["name"]},
)
k8s.core.v1.Service(
    "third",
    metadata={"namespace": NAMESPACE, "name": first.id.apply(lambda id: "s-" + id.rpartition("/")[2])},
    spec={"type": "ExternalName", "externalName": "example.com"},
)
"""
OBJECTS = 7


@pytest.fixture(scope="module")
def story(new_stack) -> SimpleNamespace:
    """A definition with its object, a namespace with its contents, and values known late: all in one plan."""
    stack = new_stack("plans")
    told = SimpleNamespace(outcomes={}, namespace=stack.namespace)
    stack.program(PROGRAM.replace("SHARE", "10"))
    told.outcomes["preview"] = stack.preview()
    told.nothing = stack.cluster.get(f"/api/v1/namespaces/{stack.namespace}-inner")
    told.outcomes["create"] = stack.up()
    told.states = stack.resources()
    canary = f"/apis/{stack.namespace}.example.com/v1/namespaces/{stack.namespace}/canaries/iris"
    told.canary = stack.cluster.get(canary)
    told.second = stack.cluster.get(f"{stack.home}/configmaps/second")
    told.services = stack.cluster.get(f"{stack.home}/services")["items"]
    told.outcomes["again"] = stack.preview()
    stack.program(PROGRAM.replace("SHARE", "400"))
    told.outcomes["refused"] = stack.preview(succeeds=False)
    stack.program(PROGRAM.replace("SHARE", "20"))
    told.outcomes["change"] = stack.up()
    told.changed_canary = stack.cluster.get(canary)
    told.outcomes["destroy"] = stack.destroy()
    told.inner = stack.cluster.get(f"/api/v1/namespaces/{stack.namespace}-inner")
    return told


def test_a_plan_that_brings_its_own_namespace_and_definition_is_previewed_and_made(story):
    assert story.outcomes["preview"].changes == {"create": OBJECTS + 1}
    assert story.nothing is None
    assert story.outcomes["create"].changes == {"create": OBJECTS + 1}


def test_a_custom_resource_is_made_after_its_definition(story):
    assert story.canary["spec"] == {"share": 10}
    assert story.changed_canary["spec"] == {"share": 20}
    assert story.changed_canary["metadata"]["uid"] == story.canary["metadata"]["uid"]
    assert story.outcomes["change"].changes == {"update": 1, "unchanged": OBJECTS}


def test_a_custom_resource_that_its_schema_forbids_is_refused_in_the_preview(story):
    assert "should be less than or equal to 100" in story.outcomes["refused"].output


def test_values_that_were_not_known_in_the_preview_are_filled_in(story):
    name = story.states["first"]["outputs"]["metadata"]["name"]
    assert story.second["data"] == {"id": f"{story.namespace}-inner/{name}", "name": name}
    assert f"s-{name}" in [service["metadata"]["name"] for service in story.services]


def test_a_plan_that_was_carried_out_leaves_nothing_to_preview(story):
    assert story.outcomes["again"].changes == {"unchanged": OBJECTS + 1}


def test_a_destroy_waits_until_the_namespace_is_gone(story):
    assert story.outcomes["destroy"].changes == {"delete": OBJECTS + 1}
    assert story.inner is None


def test_a_field_that_the_server_would_refuse_is_refused_in_the_preview_with_its_reason(stack):
    stack.program(
        """
        k8s.core.v1.Service("wrong", metadata={"namespace": NAMESPACE}, spec={"ports": [{"port": 123456}]})
        """
    )
    assert "must be between 1 and 65535" in stack.preview(succeeds=False).output
    assert "must be between 1 and 65535" in stack.up(succeeds=False).output


def test_a_cluster_that_cannot_be_reached_is_named_as_the_reason(stack):
    nowhere = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    stack.program("k8s.core.v1.ConfigMap('settings', metadata={'namespace': NAMESPACE}, data={'a': '1'})")
    kubeconfig = stack.directory / "nowhere.kubeconfig"
    kubeconfig.write_text(json.dumps(nowhere))
    outcome = stack.run("up", "--yes", "--skip-preview", succeeds=False, KUBECONFIG=str(kubeconfig))
    assert "configured Kubernetes cluster is unreachable" in outcome.output
    assert "settings" not in stack.resources()


def test_a_provider_of_ones_own_gives_cluster_context_and_namespace(stack):
    kubeconfig = json.loads(stack.cluster.kubeconfig.read_text())
    context = kubeconfig["contexts"][0]
    kubeconfig["contexts"].append(context | {"name": "wrong", "context": {"cluster": "none", "user": "none"}})
    kubeconfig["current-context"] = "wrong"
    (stack.directory / "own.kubeconfig").write_text(json.dumps(kubeconfig))
    stack.program(
        f"""
        text = open("own.kubeconfig").read()
        by_text = k8s.Provider("by-text", kubeconfig=text, context={context["name"]!r}, namespace=NAMESPACE)
        by_path = k8s.Provider("by-path", kubeconfig="own.kubeconfig", context={context["name"]!r}, namespace=NAMESPACE)
        k8s.core.v1.ConfigMap("one", metadata={{"name": "one"}}, opts=pulumi.ResourceOptions(provider=by_text))
        k8s.core.v1.ConfigMap("two", metadata={{"name": "two"}}, opts=pulumi.ResourceOptions(provider=by_path))
        """
    )
    assert stack.up().changes == {"create": 5}
    assert stack.cluster.get(f"{stack.home}/configmaps/one")
    assert stack.cluster.get(f"{stack.home}/configmaps/two")
