from __future__ import annotations

import json

import pytest

from components.pull_secret import PullLogin
from components.team_namespace import TeamNamespace, TeamNamespaceArgs


@pytest.fixture
def team(engine):
    def declare(**args):
        return engine.run(lambda: TeamNamespace("fraud", TeamNamespaceArgs(team="fraud", environment="prod", **args)))

    return declare


def specs(declared, kind):
    return {name: r.inputs["spec"] for (k, name), r in declared.objects().items() if k == kind}


def test_the_namespace_is_named_by_team_and_environment(team):
    declared = team()
    assert declared.result.name == "fraud-prod"
    assert declared.object("Namespace", "fraud-prod")["metadata"]["name"] == "fraud-prod"


def test_everything_else_is_inside_the_namespace_and_comes_after_it(team):
    declared = team(quota={"pods": "5"}, access={"view": ["group:risk"]})
    [namespace] = declared.of_type("kubernetes:core/v1:Namespace")
    others = [r for r in declared.objects().values() if r is not namespace]
    assert len(others) == 9
    assert {r.inputs["metadata"]["namespace"] for r in others} == {"fraud-prod"}
    assert all(namespace.urn in r.dependencies for r in others)


def test_privileged_pods_are_refused_by_admission(team):
    labels = team().object("Namespace", "fraud-prod")["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")} == {"restricted"}


def test_a_cost_label_is_added_and_cannot_hide_the_owner(team):
    labels = team(labels={"cost-centre": "7", "ml-platform/team": "other"}).object("Namespace", "fraud-prod")[
        "metadata"
    ]["labels"]
    assert labels["cost-centre"] == "7"
    assert labels["ml-platform/team"] == "fraud"
    assert labels["ml-platform/environment"] == "prod"


def test_without_a_quota_there_is_none(team):
    assert specs(team(), "ResourceQuota") == {}


def test_a_quota_is_declared_as_it_is_written(team):
    quota = {"requests.cpu": "40", "requests.nvidia.com/gpu": "4", "pods": "200"}
    assert specs(team(quota=quota), "ResourceQuota") == {"quota": {"hard": quota}}


@pytest.mark.parametrize("quota", [{}, {"pods": "5"}, {"limits.cpu": "40"}])
def test_a_pod_without_requests_gets_every_amount_that_its_quota_asks_for_and_no_cpu_limit_otherwise(team, quota):
    """A default CPU limit would find its way into the pods of models, which have none."""
    [limits] = specs(team(quota=quota), "LimitRange")["defaults"]["limits"]
    assert limits["type"] == "Container"
    assert limits["defaultRequest"].keys() == {"cpu", "memory"}
    assert limits["default"].keys() == ({"cpu", "memory"} if "limits.cpu" in quota else {"memory"})


def test_what_no_policy_names_is_denied_in_both_directions(team):
    deny = specs(team(), "NetworkPolicy")["deny-all"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_names_can_be_resolved_and_nothing_else_outside_is_reached(team):
    policies = specs(team(), "NetworkPolicy")
    outward = {name: rule for name, policy in policies.items() for rule in policy.get("egress", [])}
    assert outward.keys() == {"allow-dns", "allow-inside"}
    assert outward["allow-inside"] == {"to": [{"podSelector": {}}]}
    assert {(port["protocol"], port["port"]) for port in outward["allow-dns"]["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert all(peer.keys() & {"namespaceSelector", "ipBlock"} for peer in outward["allow-dns"]["to"])


def test_the_served_port_of_a_model_is_open_to_every_caller_and_only_that_one(team):
    serving = specs(team(), "NetworkPolicy")["allow-serving"]
    assert serving["podSelector"] == {"matchExpressions": [{"key": "ml-platform/slot", "operator": "Exists"}]}
    assert serving["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]


def test_each_role_is_bound_in_the_namespace_to_whom_the_team_names(team):
    declared = team(
        access={"admin": ["group:ml-leads", "user:ann@example.com"], "edit": [], "view": ["serviceaccount:ci/checks"]}
    )
    bindings = {r.inputs["roleRef"]["name"]: r.inputs for (k, _), r in declared.objects().items() if k == "RoleBinding"}
    rbac = "rbac.authorization.k8s.io"
    assert bindings.keys() == {"admin", "view"}
    assert {binding["roleRef"]["kind"] for binding in bindings.values()} == {"ClusterRole"}
    assert bindings["admin"]["subjects"] == [
        {"apiGroup": rbac, "kind": "Group", "name": "ml-leads"},
        {"apiGroup": rbac, "kind": "User", "name": "ann@example.com"},
    ]
    assert bindings["view"]["subjects"] == [{"kind": "ServiceAccount", "namespace": "ci", "name": "checks"}]


@pytest.mark.parametrize("subject", ["risk", "team:risk", "group:", "user:", "serviceaccount:x", "serviceaccount:/x"])
def test_an_unknown_kind_of_subject_is_refused(team, subject):
    with pytest.raises(ValueError, match="is none of"):
        team(access={"view": [subject]})


def test_the_teams_service_account_mounts_no_token(team):
    assert team().object("ServiceAccount", "fraud")["automountServiceAccountToken"] is False


def test_the_account_of_pods_that_name_none_mounts_none_either_and_stays_the_clusters(team):
    """Only the field is ours: a controller makes the account, and it keeps whatever else others put on it."""
    [patch] = team().of_type("kubernetes:core/v1:ServiceAccountPatch")
    assert patch.inputs == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "fraud-prod"},
        "automountServiceAccountToken": False,
    }


def test_a_further_namespace_has_its_own_name_and_the_same_account(team):
    declared = team(further="train")
    assert declared.result.name == "fraud-train-prod"
    assert declared.object("ServiceAccount", "fraud")["metadata"]["namespace"] == "fraud-train-prod"


def test_the_namespace_alone_is_protected_where_that_is_asked_for(team):
    """The engine refuses to delete what is protected; all else in a namespace is made again from the program."""
    assert [r.name for r in team(protect=True).objects().values() if r.protect] == ["fraud-prod"]
    assert [r.name for r in team().objects().values() if r.protect] == []


def test_pods_of_one_priority_class_have_a_quota_besides(team):
    quotas = specs(team(quota={"pods": "9"}, priority_quotas={"batch": {"pods": "2"}}), "ResourceQuota")
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": ["batch-prod"]}
    assert quotas["quota-batch"] == {"hard": {"pods": "2"}, "scopeSelector": {"matchExpressions": [scope]}}
    assert quotas["quota"] == {"hard": {"pods": "9"}}


def test_what_only_baseline_allows_is_still_warned_about(team):
    labels = team(pod_security="baseline").object("Namespace", "fraud-prod")["metadata"]["labels"]
    told = {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")}
    assert told == {"enforce": "baseline", "warn": "restricted", "audit": "restricted"}


def test_a_pull_secret_is_one_until_it_is_in_the_cluster_and_the_teams_account_pulls_with_it(team):
    login = PullLogin(registry="registry.example.com/ml", username="robot", password="hush")
    declared = team(pull_logins={"registry": login})
    [secret] = declared.of_type("kubernetes:core/v1:Secret")
    assert secret.secrets == frozenset({"stringData..dockerconfigjson"})
    assert secret.inputs["type"] == "kubernetes.io/dockerconfigjson"
    told = json.loads(secret.inputs["stringData"]["value"][".dockerconfigjson"])
    assert told["auths"]["registry.example.com"]["password"] == "hush"
    assert declared.object("ServiceAccount", "fraud")["imagePullSecrets"] == [{"name": "registry"}]
    assert "hush" not in repr(login)


def test_a_shared_service_is_found_by_its_name(team):
    spec = specs(team(aliases={"features": "feast.data-prod.svc.cluster.local"}), "Service")["features"]
    assert spec == {"type": "ExternalName", "externalName": "feast.data-prod.svc.cluster.local"}
