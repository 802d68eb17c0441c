"""What a preview can know before anything is there, and what it must refuse."""

from __future__ import annotations

import json

import pytest

CRD = """
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
canary = k8s.apiextensions.CustomResource(
    "canary", api_version=group + "/v1", kind="Canary",
    metadata={"name": "iris", "namespace": NAMESPACE}, spec={"share": SHARE},
    opts=pulumi.ResourceOptions(depends_on=[crd]),
)
"""


def test_a_namespace_and_what_goes_into_it_are_previewed_and_made_in_one_plan(stack):
    stack.program(
        """
        space = k8s.core.v1.Namespace("space", metadata={"name": NAMESPACE + "-inner"})
        k8s.core.v1.ConfigMap("inside", metadata={"namespace": space.metadata["name"]}, data={"a": "1"})
        k8s.core.v1.ConfigMap("by-name", metadata={"namespace": NAMESPACE + "-inner"}, data={"a": "1"},
                              opts=pulumi.ResourceOptions(depends_on=[space]))
        """
    )
    assert stack.preview().changes == {"create": 4}
    assert stack.up().changes == {"create": 4}
    assert stack.preview().changes == {"unchanged": 4}
    assert stack.destroy().changes == {"delete": 4}
    assert stack.cluster.get(f"/api/v1/namespaces/{stack.namespace}-inner") is None


def test_a_custom_resource_is_previewed_with_its_definition_and_refused_by_its_schema_later(stack):
    stack.program(CRD.replace("SHARE", "10"))
    assert stack.preview().changes == {"create": 3}
    assert stack.up().changes == {"create": 3}
    path = f"/apis/{stack.namespace}.example.com/v1/namespaces/{stack.namespace}/canaries/iris"
    assert stack.cluster.get(path)["spec"] == {"share": 10}
    assert stack.preview().changes == {"unchanged": 3}
    stack.program(CRD.replace("SHARE", "400"))
    assert "should be less than or equal to 100" in stack.preview(succeeds=False).output
    stack.program(CRD.replace("SHARE", "20"))
    assert stack.up().changes == {"update": 1, "unchanged": 2}
    assert stack.cluster.get(path)["spec"] == {"share": 20}
    assert stack.destroy().changes == {"delete": 3}


def test_a_value_that_is_not_known_yet_is_previewed_and_filled_in(stack):
    stack.program(
        """
        first = k8s.core.v1.ConfigMap("first", metadata={"namespace": NAMESPACE}, data={"a": "1"})
        labels = {"app": "reader"}
        k8s.core.v1.ConfigMap("second", metadata={"namespace": NAMESPACE, "name": "second"},
                              data={"uid": first.metadata["uid"], "name": first.metadata["name"]})
        k8s.core.v1.Service("third", metadata={"namespace": NAMESPACE, "name": first.metadata["uid"].apply(
                                lambda uid: "s-" + uid)}, spec={"type": "ExternalName", "externalName": "example.com"})
        """
    )
    assert stack.preview().changes == {"create": 4}
    stack.up()
    first = stack.outputs("first")["metadata"]
    second = stack.cluster.get(f"{stack.home}/configmaps/second")
    assert second["data"] == {"uid": first["uid"], "name": first["name"]}
    assert stack.cluster.get(f"{stack.home}/services/s-{first['uid']}")
    assert stack.preview().changes == {"unchanged": 4}


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        (
            "Service",
            {"ports": [{"port": 123456}]},
            "must be between 1 and 65535",
        ),
        (
            "PersistentVolumeClaim",
            {"accessModes": ["Sometimes"], "resources": {"requests": {"storage": "1Gi"}}},
            "supported values",
        ),
    ],
)
def test_a_field_that_the_server_would_refuse_is_refused_in_the_preview_with_its_reason(stack, kind, spec, reason):
    stack.program(f"k8s.core.v1.{kind}('wrong', metadata={{'namespace': NAMESPACE}}, spec={json.dumps(spec)})")
    assert reason in stack.preview(succeeds=False).output
    assert reason in stack.up(succeeds=False).output


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
    # Nothing was lost: with the cluster back, the same program goes through.
    assert stack.up().changes["create"] == 1


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
    assert stack.up().changes == {"unchanged": 5}
