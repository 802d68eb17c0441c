from __future__ import annotations

import pytest

from components.spared_pods import SparedPods, SparedPodsArgs

ARGS = {"environment": "prod", "owners": ["Job"], "annotation": "karpenter.sh/do-not-disrupt", "value": "true"}


def test_pods_of_the_environments_teams_are_meant_and_no_other(engine):
    declared = engine.run(lambda: SparedPods("a", SparedPodsArgs(**ARGS)))
    spec = declared.object("MutatingAdmissionPolicy", "spared-pods-prod")["spec"]
    assert spec["matchConstraints"]["namespaceSelector"] == {"matchLabels": {"ml-platform/environment": "prod"}}
    assert spec["matchConstraints"]["resourceRules"][0]["operations"] == ["CREATE"]
    assert declared.object("MutatingAdmissionPolicyBinding", "spared-pods-prod")["spec"] == {
        "policyName": "spared-pods-prod"
    }


def test_a_pod_is_taken_even_where_it_cannot_be_marked(engine):
    declared = engine.run(lambda: SparedPods("a", SparedPodsArgs(**ARGS)))
    assert declared.object("MutatingAdmissionPolicy", "spared-pods-prod")["spec"]["failurePolicy"] == "Ignore"


def test_without_any_kind_of_owner_it_is_refused():
    with pytest.raises(ValueError, match="no owners"):
        SparedPodsArgs(**ARGS | {"owners": []})
