"""Who may do what: every verb on 25 kinds of resource in two namespaces by four roles, each by a real request.

Users come with the kubeconfig that the documented command prints: client certificates for members of groups, a token
for the deploy identity. A request that its user may send is sent malformed or for an object that is not there, so that
it is answered with anything but 403 and changes nothing; authorisation comes before an API server reads a body.
"""

from __future__ import annotations

import pytest

OWN, OTHERS = "fraud-test", "search-test"
SUBJECTS = {
    "admin": ("group:fraud-leads", None),
    "edit": ("user:ann", "fraud-science"),
    "view": ("group:risk", None),
    "deploy": ("serviceaccount:fraud-test/deploy", None),
}
GROUPS = {
    "apps": "daemonsets deployments deployments/scale replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "rolebindings roles",
}
VERSIONS = {"autoscaling": "v2"}
ROOTS = {
    resource: f"/apis/{group}/{VERSIONS.get(group, 'v1')}"
    for group, kinds in GROUPS.items()
    for resource in kinds.split()
}

# G get, L list, C create, U update, P patch, D delete, X delete a whole collection.
# admin, edit and view are Kubernetes' own ClusterRoles, deploy is components/deploy_identity.py.
TABLE = """
resource                   admin    edit     view  deploy
configmaps                 GLCUPDX  GLCUPDX  GL    GLCUPD
cronjobs                   GLCUPDX  GLCUPDX  GL    GLCUPD
daemonsets                 GLCUPDX  GLCUPDX  GL    GLCUPD
deployments                GLCUPDX  GLCUPDX  GL    GLCUPD
deployments/scale          GCUPD    GCUPD    G     GUP
events                     GLCUPDX  GLCUPDX  GL    GL
horizontalpodautoscalers   GLCUPDX  GLCUPDX  GL    GLCUPD
ingresses                  GLCUPDX  GLCUPDX  GL    GLCUPD
jobs                       GLCUPDX  GLCUPDX  GL    GLCUPD
limitranges                GL       GL       GL    -
networkpolicies            GLCUPDX  GLCUPDX  GL    -
persistentvolumeclaims     GLCUPDX  GLCUPDX  GL    GLCP
poddisruptionbudgets       GLCUPDX  GLCUPDX  GL    GLCUPD
pods                       GLCUPDX  GLCUPDX  GL    GL
pods/exec                  GCUPD    GCUPD    -     -
pods/log                   G        G        G     G
replicasets                GLCUPDX  GLCUPDX  GL    GL
resourcequotas             GL       GL       GL    GL
rolebindings               GLCUPDX  -        -     -
roles                      GLCUPDX  -        -     -
secrets                    GLCUPDX  GLCUPDX  -     -
serviceaccounts            GLCUPDX  GLCUPDX  GL    GL
serviceaccounts/token      C        C        -     -
services                   GLCUPDX  GLCUPDX  GL    GLCUPD
statefulsets               GLCUPDX  GLCUPDX  GL    GLCUPD
"""
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
EXPECTED = {(role, row[0]): set(cell) - {"-"} for row in ROWS for role, cell in zip(HEADER[1:], row[1:], strict=True)}
FORBIDDEN = 403


def requests_of(namespace, resource):
    """Give each verb's request: method, path, content type. A subresource has no collection."""
    kind, _, subresource = resource.partition("/")
    collection = f"{ROOTS.get(resource, '/api/v1')}/namespaces/{namespace}/{kind}"
    one = f"{collection}/nobody{subresource and '/' + subresource}"
    found = {
        "G": ("GET", one, "application/json"),
        "U": ("PUT", one, "application/json"),
        "P": ("PATCH", one, "application/merge-patch+json"),
        "D": ("DELETE", f"{one}?dryRun=All", "application/json"),
        "C": ("POST", one if subresource else collection, "application/json"),
    }
    if not subresource:
        found["L"] = ("GET", f"{collection}?limit=1", "application/json")
        found["X"] = ("DELETE", f"{collection}?dryRun=All&labelSelector=nobody", "application/json")
    return found


def allowed(user, namespace, resource):
    verbs = set()
    for verb, (method, path, kind) in requests_of(namespace, resource).items():
        body = "no JSON" if method in ("POST", "PUT", "PATCH") else None
        status, answer = user.request(method, path, body, kind=kind)
        assert status != 401, answer
        if status != FORBIDDEN:
            verbs.add(verb)
        else:
            assert "cannot" in answer["message"], answer  # authorisation's own words, not a quota's
    return verbs


@pytest.fixture(scope="module")
def users(teams, client):
    return {role: client(subject, group=group) for role, (subject, group) in SUBJECTS.items()}


@pytest.fixture(scope="module")
def found(users):
    """All of it, 1,336 requests: seven verbs on 21 kinds, five on four subresources."""
    return {
        (role, namespace, resource): allowed(user, namespace, resource)
        for role, user in users.items()
        for namespace in (OWN, OTHERS)
        for (resource, *_) in ROWS
    }


def test_the_table_is_whole(found, users):
    assert len(ROWS) == 25
    assert len(found) == 4 * 2 * 25
    print(f"{sum(user.sent for user in users.values())} requests by {len(users)} users")


@pytest.mark.parametrize("role", SUBJECTS)
def test_in_its_own_namespace_a_role_may_do_what_the_table_says_and_nothing_else(found, role):
    told = {resource: found[role, OWN, resource] for (resource, *_) in ROWS}
    assert told == {resource: EXPECTED[role, resource] for (resource, *_) in ROWS}


@pytest.mark.parametrize("role", SUBJECTS)
def test_in_another_teams_namespace_a_role_may_do_nothing_at_all(found, role):
    assert {
        resource: verbs for (who, where, resource), verbs in found.items() if (who, where) == (role, OTHERS) and verbs
    } == {}


@pytest.mark.parametrize("role", SUBJECTS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nodes",
        "/api/v1/namespaces",
        "/api/v1/namespaces/search-test",
        "/api/v1/persistentvolumes",
        "/api/v1/secrets",
        "/api/v1/pods",
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/storage.k8s.io/v1/storageclasses",
    ],
)
def test_nobody_of_a_team_sees_the_cluster_beyond_it(users, role, path):
    assert users[role].get(path)[0] == FORBIDDEN


@pytest.mark.parametrize("role", SUBJECTS)
def test_nobody_of_a_team_removes_its_namespace_or_raises_its_quota(users, role):
    quota = "/api/v1/namespaces/fraud-test/resourcequotas/quota"
    more = {"spec": {"hard": {"pods": "99"}}}
    assert users[role].request("PATCH", quota, more, kind="application/merge-patch+json")[0] == FORBIDDEN
    assert users[role].request("DELETE", "/api/v1/namespaces/fraud-test")[0] == FORBIDDEN
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    change = users[role].request("PATCH", "/api/v1/namespaces/fraud-test", labels, kind="application/merge-patch+json")
    assert change[0] == FORBIDDEN


def test_an_admin_gives_nobody_more_than_it_has(users):
    """RBAC lets nobody create a role with rights beyond their own: no way from admin to the quota."""
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/fraud-test/roles"
    rules = [{"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["update"]}]
    status, answer = users["admin"].request("POST", path, {"metadata": {"name": "more"}, "rules": rules})
    assert status == FORBIDDEN
    assert "attempting to grant RBAC permissions not currently held" in answer["message"]


def test_routes_of_the_gateway_api_are_the_platforms_and_the_deploy_identitys(users):
    """Kubernetes' own roles know nothing of them: their definitions bring no aggregated rules."""
    path = "/apis/gateway.networking.k8s.io/v1/namespaces/fraud-test/httproutes"
    assert {role: users[role].get(path)[0] for role in SUBJECTS} == {
        "admin": FORBIDDEN,
        "edit": FORBIDDEN,
        "view": FORBIDDEN,
        "deploy": 200,
    }


def test_a_further_namespace_has_people_of_its_own(teams, client):
    path = "/api/v1/namespaces/fraud-train-test/pods"
    assert client("group:trainers").get(path)[0] == 200
    assert client("group:fraud-science").get(path)[0] == FORBIDDEN
    assert client("group:trainers").get("/api/v1/namespaces/fraud-test/pods")[0] == FORBIDDEN


def test_the_deploy_identity_deploys_in_every_namespace_of_its_team(users):
    for namespace in ("fraud-test", "fraud-train-test"):
        labels = {"app": "x"}
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
        security["seccompProfile"] = {"type": "RuntimeDefault"}
        container = {"name": "x", "image": "x", "securityContext": security}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        body = {"metadata": {"name": "x"}, "spec": spec}
        assert users["deploy"].request("POST", path, body)[0] == 201
        scale = {"spec": {"replicas": 0}}
        kind = "application/merge-patch+json"
        assert users["deploy"].request("PATCH", f"{path}/x/scale", scale, kind=kind)[0] == 200
        assert users["deploy"].request("DELETE", f"{path}/x")[0] == 200
