from __future__ import annotations

import pulumi

from components.cluster import ClusterProvider, ClusterProviderArgs
from components.manifest import Manifest


def provider_inputs(engine, **args):
    declared = engine.run(lambda: ClusterProvider("cluster", ClusterProviderArgs(identifier="prod", **args)))
    [provider] = declared.of_type("pulumi:providers:kubernetes")
    return provider.inputs


def test_the_cluster_keeps_its_identity_when_the_kubeconfig_changes(engine):
    before = provider_inputs(engine, context="a", kubeconfig="~/one")
    after = provider_inputs(engine, context="b", kubeconfig="~/two")
    assert before["clusterIdentifier"] == after["clusterIdentifier"] == "prod"


def test_what_was_made_by_an_interrupted_run_is_taken_over(engine):
    assert provider_inputs(engine)["upsertExistingObjects"] == "true"


def test_without_a_kubeconfig_no_path_is_recorded(engine, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/somewhere/of/this/machine")
    assert provider_inputs(engine) == {
        "clusterIdentifier": "prod",
        "enableServerSideApply": "true",
        "upsertExistingObjects": "true",
    }


def test_objects_use_the_provider_they_are_given(engine):
    def program() -> None:
        cluster = ClusterProvider("cluster", ClusterProviderArgs(identifier="prod"))
        Manifest("v1:Namespace", "a", {"metadata": {"name": "a"}}, pulumi.ResourceOptions(provider=cluster.provider))

    declared = engine.run(program)
    [provider] = declared.of_type("pulumi:providers:kubernetes")
    assert declared.objects()["Namespace", "a"].provider == f"{provider.urn}::id"
