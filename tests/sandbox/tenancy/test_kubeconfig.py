"""`python -m sandbox kubeconfig --as ...`: who one is with what it prints."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import yaml
from keep_alive import Client

from sandbox.__main__ import main
from sandbox.cluster import Cluster, ClusterError, Nodes
from sandbox.cluster.users import user_kubeconfig
from sandbox.paths import Layout


def ask(plane, subject, **options):
    known = json.loads(plane.kubeconfig.read_text())
    more = {"group": None, "namespace": None} | options
    return user_kubeconfig(known, subject, api=plane.api, authority=plane.authority, **more)


ACCOUNT = "system:serviceaccount:fraud-test:deploy"


@pytest.mark.parametrize(
    ("subject", "group", "who"),
    [
        ("user:ann@example.com", None, ("ann@example.com", set())),
        ("user:ann", "fraud-science", ("ann", {"fraud-science"})),
        ("group:risk", None, ("member of risk", {"risk"})),
        ("serviceaccount:fraud-test/deploy", None, (ACCOUNT, {"system:serviceaccounts:fraud-test"})),
    ],
)
def test_one_is_who_one_asked_to_be(plane, teams, subject, group, who):
    client = Client(ask(plane, subject, group=group))
    _, review = client.request(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
    )
    client.close()
    name, groups = who
    assert review["status"]["userInfo"]["username"] == name
    assert groups <= set(review["status"]["userInfo"]["groups"])


def test_commands_are_meant_for_the_namespace_that_is_named(plane, teams):
    [context] = ask(plane, "group:risk", namespace="fraud-test")["contexts"]
    assert context["context"]["namespace"] == "fraud-test"
    [context] = ask(plane, "serviceaccount:fraud-test/deploy")["contexts"]
    assert context["context"]["namespace"] == "fraud-test"


@pytest.mark.parametrize("subject", ["ann", "team:x", "user:", "serviceaccount:deploy"])
def test_whoever_is_nobody_is_told_with_what_may_be_asked(plane, subject):
    with pytest.raises(ClusterError, match="user:<name>, group:<name> or serviceaccount:<namespace>/<name>"):
        ask(plane, subject)


def test_an_account_that_is_not_there_has_no_token(plane, teams):
    with pytest.raises(ClusterError, match='serviceaccounts "nobody" not found'):
        ask(plane, "serviceaccount:fraud-test/nobody")


def test_without_the_authoritys_key_only_a_token_can_be_had(plane, teams):
    known = json.loads(plane.kubeconfig.read_text())
    options = {"api": plane.api, "authority": None, "group": None, "namespace": None}
    with pytest.raises(ClusterError, match="kind keeps the key"):
        user_kubeconfig(known, "user:ann", **options)
    assert "token" in user_kubeconfig(known, "serviceaccount:fraud-test/deploy", **options)["users"][0]["user"]


def test_where_no_cluster_is_up_nothing_is_made(tmp_path):
    cluster = Cluster(Layout(root=tmp_path), nodes=Nodes(kind="simulated", why="a test"), report=print)
    with pytest.raises(ClusterError, match="no cluster is up here"):
        cluster.kubeconfig_of("user:ann", group=None, namespace=None)
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_a_kubeconfig_and_nothing_else(plane, teams, tmp_path, monkeypatch, capsys):
    """The command itself, on a sandbox whose cluster is this test's."""
    monkeypatch.setenv("SANDBOX_DIR", str(tmp_path))
    layout = Layout.default()
    layout.kubeconfig.write_bytes(plane.kubeconfig.read_bytes())
    parts = SimpleNamespace(api=plane.api, authority=plane.authority)
    monkeypatch.setattr("sandbox.cluster.cluster.SimulatedCluster", lambda *_, **__: parts)
    monkeypatch.setenv("SANDBOX_NODES", "simulated")
    monkeypatch.setattr("sys.argv", ["sandbox", "kubeconfig", "--as", "group:fraud-science", "-n", "fraud-test"])
    assert main() == 0
    client = Client(yaml.safe_load(capsys.readouterr().out))
    assert client.get("/api/v1/namespaces/fraud-test/pods")[0] == 200
    assert client.get("/api/v1/namespaces/search-test/pods")[0] == 403
    client.close()
