"""Everything that only the stack's own cluster and people have is replaced, and its changes still show."""

from __future__ import annotations

import copy

import pytest

from review.stand_ins import hidden_changes, nodes_wanted, stood_in

DOCUMENT = {
    "secretsprovider": "awskms://alias/prod",
    "encryptedkey": "AQIC",
    "config": {
        "ml-platform:cluster": {"provider": "existing", "context": "prod-eu", "kubeconfig": "~/.kube/prod"},
        "ml-platform:guard": {"deadline": "15m"},
        "ml-platform:models": {
            "churn": {
                "placement": {"nodePool": "gpu-l4"},
                "versions": {"7": {"build": {"context": "a"}}, "8": {"image": "churn@sha256:00"}},
            }
        },
        "ml-platform:teams": {"fraud": {"quota": {"requests.example.com/tpu": "4"}}},
        "ml-platform:secrets": {"api-key": {"secure": "v1:abc"}},
    },
}


def stand_ins(document=DOCUMENT):
    return stood_in(document, kubeconfig="/k", context="sandbox", digest=lambda build: build["context"] * 64)


def test_cluster_builds_and_smoke_requests_are_stood_in_for_and_the_rest_is_kept():
    stood = stand_ins()
    assert stood.document.keys() == {"config"}
    config = stood.document["config"]
    assert config["ml-platform:cluster"] == {"provider": "existing", "context": "sandbox", "kubeconfig": "/k"}
    assert config["ml-platform:guard"] == {"deadline": "15m", "smoke": False}
    versions = config["ml-platform:models"]["churn"]["versions"]
    assert versions == {"7": {"image": f"churn@sha256:{'a' * 64}"}, "8": {"image": "churn@sha256:00"}}
    assert config["ml-platform:teams"] == DOCUMENT["config"]["ml-platform:teams"]


def test_a_secrets_stand_in_follows_what_it_stands_for_and_tells_nothing_of_it():
    [(path, value)] = stand_ins().secrets.items()
    assert path == 'ml-platform:secrets["api-key"]'
    assert "abc" not in value
    assert stand_ins().secrets == {path: value}
    other = copy.deepcopy(DOCUMENT)
    other["config"]["ml-platform:secrets"]["api-key"]["secure"] = "v1:abd"
    assert stand_ins(other).secrets[path] != value


def test_the_readers_document_is_left_alone():
    before = copy.deepcopy(DOCUMENT)
    stand_ins()
    assert before == DOCUMENT


def test_what_was_replaced_is_told():
    assert stand_ins().notes == (
        "1 secret is replaced by stand-ins",
        "1 image is not built (churn): named by a digest of the build's files",
    )


@pytest.mark.parametrize("config", [None, [], {"ml-platform:models": [1]}, {"ml-platform:cluster": "x"}])
def test_a_file_with_mistakes_stays_one_for_the_program_to_refuse(config):
    assert stand_ins({"config": config}).secrets == {}


def test_a_change_behind_a_stand_in_is_told_in_words():
    other = copy.deepcopy(DOCUMENT)
    del other["config"]["ml-platform:cluster"]["kubeconfig"]
    [told] = hidden_changes(DOCUMENT, other)
    assert told.startswith("cluster.kubeconfig changes from ~/.kube/prod to nothing: that is not previewed")


CLOUD = {
    "provider": "eks",
    "version": "1.35",
    "eks": {"account": "111122223333", "region": "eu-central-1"},
    "nodePools": {"general": {"allocatable": {"cpu": 4, "memory": "16Gi"}, "instance": "m6i.xlarge", "max": 3}},
}


def test_of_a_cluster_that_the_stack_makes_only_the_pools_are_kept():
    stood = stand_ins({"config": {"ml-platform:cluster": CLOUD, "ml-platform:autoscaler": {"image": "a"}}})
    config = stood.document["config"]
    assert config["ml-platform:cluster"].keys() == {"provider", "kubeconfig", "context", "nodePools"}
    assert config["ml-platform:autoscaler"]["cloud"] == "aws"
    assert stood.notes == (
        "the cluster that eks makes, its network and its nodes are not previewed: that takes its cloud",
    )
    assert (
        "ml-platform:autoscaler"
        not in stand_ins(
            {"config": {"ml-platform:cluster": {**CLOUD, "provider": "gke"}, "ml-platform:autoscaler": {}}}
        ).document["config"]
    )


def test_what_a_cloud_makes_of_a_change_is_said_not_to_be_previewed():
    def told(**change):
        document = {"config": {"ml-platform:cluster": CLOUD}}
        return hidden_changes(document, {"config": {"ml-platform:cluster": {**CLOUD, **change}}})

    assert told() == []
    assert told(version="1.36") == ["cluster.version changes: what its cloud makes of that is not previewed"]
    assert told(nodePools={}) == ["cluster.nodePools changes: what its cloud makes of that is not previewed"]


def test_simulated_nodes_have_the_pools_and_resources_that_the_file_names():
    assert nodes_wanted(DOCUMENT) == ({"gpu-l4"}, {"nvidia.com/gpu", "example.com/tpu"})
