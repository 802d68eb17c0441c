"""What admission and controllers do with what a team is given: defaults, quotas, Pod Security, volumes."""

from __future__ import annotations

import base64
import itertools
import json

import pytest
from tenants import eventually

FORBIDDEN, CREATED = 403, 201
NAMES = (f"pod-{number}" for number in itertools.count())
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(*, security=RESTRICTED, resources=None, **spec):
    container = {"name": "c", "image": "x", "securityContext": security, "resources": resources or {}}
    return {"metadata": {"name": next(NAMES)}, "spec": {"containers": [container], **spec}}


@pytest.fixture(scope="module")
def scientist(teams, client):
    """Who may change what runs in fraud-test."""
    return client("group:fraud-science")


@pytest.fixture
def post(scientist):
    made = []

    def send(body, kind="pods", namespace="fraud-test", root="/api/v1"):
        path = f"{root}/namespaces/{namespace}/{kind}"
        status, answer = scientist.request("POST", path, body)
        if status == CREATED:
            made.append(f"{path}/{answer['metadata']['name']}?gracePeriodSeconds=0")
        return status, answer

    yield send
    for path in made:
        scientist.request("DELETE", path)
    pods = "/api/v1/namespaces/fraud-test/pods"
    eventually(lambda: not scientist.get(pods)[1]["items"])
    quota = "/api/v1/namespaces/fraud-test/resourcequotas/quota"
    eventually(lambda: scientist.get(quota)[1]["status"]["used"]["pods"] == "0")


def test_a_pod_that_asks_for_nothing_is_given_what_the_quota_asks_for(post):
    status, answer = post(pod())
    assert status == CREATED, answer
    [container] = answer["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}


def test_a_pod_beyond_the_quota_is_refused_with_what_is_used_and_what_there_is(post):
    big = {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    assert post(pod(resources=big))[0] == CREATED
    status, answer = post(pod(resources=big))
    assert status == FORBIDDEN
    told = "exceeded quota: quota, requested: requests.cpu=1500m, used: requests.cpu=1500m, limited: requests.cpu=2"
    assert told in answer["message"]


def test_pods_of_a_priority_class_have_a_bound_of_their_own(post):
    assert post(pod(priorityClassName="batch-test"))[0] == CREATED
    status, answer = post(pod(priorityClassName="batch-test"))
    assert status == FORBIDDEN
    assert "exceeded quota: quota-batch, requested: pods=1, used: pods=1, limited: pods=1" in answer["message"]
    assert post(pod())[0] == CREATED


def test_objects_are_counted_as_well(post):
    template = {"spec": {"restartPolicy": "Never", "containers": pod()["spec"]["containers"]}}
    jobs = [{"metadata": {"name": f"job-{n}"}, "spec": {"suspend": True, "template": template}} for n in range(2)]
    answers = [post(job, "jobs", root="/apis/batch/v1") for job in jobs]
    assert [status for status, _ in answers] == [CREATED, FORBIDDEN]
    assert "limited: count/jobs.batch=1" in answers[1][1]["message"]


def test_storage_is_counted_as_well(post):
    """The team's own volume of 1Ti is counted already; 2Ti are all there is."""
    claim = {
        "metadata": {"name": "more"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1025Gi"}}},
    }
    status, answer = post(claim, "persistentvolumeclaims")
    assert status == FORBIDDEN
    assert "used: requests.storage=1Ti, limited: requests.storage=2Ti" in answer["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"security": {**RESTRICTED, "privileged": True, "allowPrivilegeEscalation": True}}, "privileged"),
        ({"security": {**RESTRICTED, "runAsUser": 0}}, "runAsUser=0"),
        ({"security": {}}, "runAsNonRoot != true"),
        ({"hostNetwork": True}, "host namespaces"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath"),
    ],
    ids=["privileged", "root", "silent", "host network", "host path"],
)
def test_a_pod_that_asks_for_privileges_is_refused(post, change, said):
    status, answer = post(pod(**change))
    assert status == FORBIDDEN
    assert 'violates PodSecurity "restricted:latest"' in answer["message"]
    assert said in answer["message"]


def test_where_a_team_is_allowed_the_baseline_root_is_let_in_and_privilege_is_not(teams, client):
    trainer = client("group:trainers")
    path = "/api/v1/namespaces/fraud-train-test/pods"
    assert trainer.request("POST", path, pod(security={"runAsUser": 0}))[0] == CREATED
    status, answer = trainer.request("POST", path, pod(security={"privileged": True}))
    assert status == FORBIDDEN
    assert 'violates PodSecurity "baseline:latest"' in answer["message"]


def test_a_shared_volume_is_bound_in_both_namespaces_and_the_readers_only_reads(teams):
    for namespace, name, access in (
        ("fraud-test", "data", "ReadWriteMany"),
        ("search-test", "fraud-data", "ReadOnlyMany"),
    ):
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
        claim = eventually(lambda where=path: bound(teams.get(where)[1]))
        assert claim["status"]["accessModes"] == [access]
        _, volume = teams.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
        assert volume["spec"]["nfs"].get("readOnly", False) is (access == "ReadOnlyMany")
        assert volume["spec"]["nfs"]["path"] == "/exports/fraud"


def bound(claim):
    return claim if claim["status"].get("phase") == "Bound" else None


def test_a_teams_volume_cannot_be_claimed_from_elsewhere(teams, client):
    """A claim that names somebody else's PersistentVolume waits for ever: the volume says whose it is."""
    other = client("group:ingest")
    spec = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": "fraud-test-data",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    path = "/api/v1/namespaces/ingest-test/persistentvolumeclaims"
    assert other.request("POST", path, {"metadata": {"name": "thief"}, "spec": spec})[0] == CREATED
    events = "/api/v1/namespaces/ingest-test/events?fieldSelector=involvedObject.name=thief"
    told = eventually(lambda: [event["message"] for event in teams.get(events)[1]["items"]])
    assert any("already bound to a different claim" in message for message in told), told
    assert teams.get(f"{path}/thief")[1]["status"]["phase"] == "Pending"


def test_a_pod_that_names_no_account_gets_no_token(post):
    status, answer = post(pod())
    assert status == CREATED, answer
    assert answer["spec"]["serviceAccountName"] == "default"
    assert "kube-api-access" not in json.dumps(answer["spec"])


def test_pods_pull_with_the_teams_login_without_naming_it(post, teams):
    status, answer = post(pod(serviceAccountName="fraud"))
    assert status == CREATED, answer
    assert answer["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert "kube-api-access" not in json.dumps(answer["spec"])
    _, secret = teams.get("/api/v1/namespaces/fraud-test/secrets/registry")
    login = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert login["auths"]["registry.example.com"]["password"] == "hush"
