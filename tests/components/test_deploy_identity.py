from __future__ import annotations

import pytest

from components.deploy_identity import DeployIdentity, DeployIdentityArgs


@pytest.fixture(scope="module")
def declared(engine):
    args = DeployIdentityArgs(
        namespaces=["fraud-prod", "fraud-train-prod"], labels={"ml-platform/team": "fraud"}, also=["user:ci:fraud"]
    )
    return engine.run(lambda: DeployIdentity("fraud", args))


@pytest.fixture
def granted(declared):
    """Every verb on every resource that the role grants."""
    rules = [
        rule for r in declared.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role") for rule in r.inputs["rules"]
    ]
    return {(kind, verb) for rule in rules for kind in rule["resources"] for verb in rule["verbs"]}


def test_there_is_one_account_and_it_may_do_the_same_in_each_namespace(declared):
    [account] = declared.of_type("kubernetes:core/v1:ServiceAccount")
    assert account.inputs["metadata"]["namespace"] == "fraud-prod"
    roles, bindings = (
        declared.of_type(f"kubernetes:rbac.authorization.k8s.io/v1:{kind}") for kind in ("Role", "RoleBinding")
    )
    for found in (roles, bindings):
        assert {r.inputs["metadata"]["namespace"] for r in found} == {"fraud-prod", "fraud-train-prod"}
    assert roles[0].inputs["rules"] == roles[1].inputs["rules"]
    subjects = [
        {"kind": "ServiceAccount", "namespace": "fraud-prod", "name": "deploy"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ci:fraud"},
    ]
    assert [binding.inputs["subjects"] for binding in bindings] == [subjects, subjects]


def test_its_token_is_mounted_nowhere(declared):
    assert declared.object("ServiceAccount", "deploy")["automountServiceAccountToken"] is False


def test_it_changes_what_runs(granted):
    assert {("deployments", verb) for verb in ("create", "patch", "delete")} <= granted
    assert {("jobs", "create"), ("services", "patch"), ("horizontalpodautoscalers", "update")} <= granted


def test_it_reads_no_secret_enters_no_pod_and_changes_nothing_about_who_may_and_how_much(granted):
    kinds = {kind for kind, _ in granted}
    assert kinds & {"secrets", "pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"} == set()
    assert kinds & {"roles", "rolebindings", "networkpolicies", "limitranges"} == set()
    assert {verb for kind, verb in granted if kind in ("pods", "resourcequotas", "serviceaccounts")} == {
        "get",
        "list",
        "watch",
    }


def test_it_deletes_no_data(granted):
    assert ("persistentvolumeclaims", "create") in granted
    assert ("persistentvolumeclaims", "delete") not in granted


def test_it_grants_no_wildcard(granted):
    assert all("*" not in part for pair in granted for part in pair)
