from __future__ import annotations

import importlib.metadata

import pulumi
import pytest

from components import manifest, model_image
from components.manifest import Manifest


def test_the_type_token_is_the_official_one(engine):
    declared = engine.run(
        lambda: [
            Manifest("v1:Service", "a", {"metadata": {"name": "a"}}),
            Manifest("apps/v1:Deployment", "b", {"metadata": {"name": "b"}}),
            Manifest("networking.k8s.io/v1:NetworkPolicy", "c", {"metadata": {"name": "c"}}),
        ]
    )
    found = {r.name: (r.type, r.inputs["apiVersion"], r.inputs["kind"]) for r in declared.resources}
    assert found == {
        "a": ("kubernetes:core/v1:Service", "v1", "Service"),
        "b": ("kubernetes:apps/v1:Deployment", "apps/v1", "Deployment"),
        "c": ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "networking.k8s.io/v1", "NetworkPolicy"),
    }


def test_the_typed_class_registers_what_a_manifest_registers(engine):
    """So that state made through one is readable through the other."""
    # Of the smallest group: importing the core group alone takes longer than all tests of this file.
    from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

    metadata, spec = {"name": "a", "namespace": "n"}, {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    typed = engine.run(
        lambda: PodDisruptionBudget(
            "a", metadata=metadata, spec={"max_unavailable": 1, "selector": {"match_labels": {"a": "b"}}}
        )
    )
    generic = engine.run(lambda: Manifest("policy/v1:PodDisruptionBudget", "a", {"metadata": metadata, "spec": spec}))
    assert generic.resources == typed.resources


@pytest.mark.parametrize("kind", ["Service", "v1", "v1:", ":Service", "apps/v1:Deployment:x"])
def test_a_malformed_kind_is_refused(engine, kind):
    with pytest.raises(ValueError, match="is not of the form"):
        engine.run(lambda: Manifest(kind, "a", {}))


def test_a_body_that_repeats_its_kind_is_refused(engine):
    with pytest.raises(ValueError, match="body of a: kind is given by kind already"):
        engine.run(lambda: Manifest("v1:Service", "a", {"kind": "Pod"}))


def test_options_reach_the_engine(engine):
    def program() -> None:
        first = Manifest("v1:ConfigMap", "first", {"metadata": {"name": "first"}})
        Manifest(
            "v1:ConfigMap",
            "second",
            {"metadata": {"name": "second"}},
            pulumi.ResourceOptions(
                parent=first, depends_on=[first], custom_timeouts=pulumi.CustomTimeouts(create="5s")
            ),
        )

    first, second = engine.run(program).resources
    assert (second.parent, second.dependencies, second.timeouts) == (first.urn, (first.urn,), {"create": "5s"})


def test_the_name_given_by_the_provider_is_known_to_others(engine):
    def program() -> None:
        secret = Manifest("v1:Secret", "keys", {"metadata": {"namespace": "n"}})
        Manifest("v1:ConfigMap", "user", {"metadata": {"name": "user"}, "data": {"secret": secret.object_name}})

    assert engine.run(program).object("ConfigMap", "user")["data"] == {"secret": "keys-1a2b3c4d"}


@pytest.mark.parametrize(
    ("stated", "package"),
    [(manifest.PLUGIN_VERSION, "pulumi-kubernetes"), (model_image.PLUGIN_VERSION, "pulumi-docker")],
)
def test_the_plugins_version_is_that_of_the_installed_package(stated, package):
    assert stated == importlib.metadata.version(package)


def test_every_object_names_the_plugins_version(engine):
    declared = engine.run(lambda: Manifest("v1:Service", "a", {"metadata": {"name": "a"}}))
    assert [r.version for r in declared.resources] == [manifest.PLUGIN_VERSION]
