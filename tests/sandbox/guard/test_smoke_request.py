"""The smoke request through the API server's service proxy, answered by a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.guard import SwitchRefusedError
from infra.guard.smoke import Smoke
from infra.observed import ApiServer, load_access


@pytest.fixture
def answering(flowers, backend):
    """A green slot whose pods kwok plays at the address of a server that really answers."""
    address, port, asked = backend
    flowers.deploy("green", replicas=2, port=port)
    flowers.route("blue")
    flowers.route("green", name="iris-green")
    flowers.running("green", 2)
    for pod in flowers.pods("green"):
        path = flowers.path(f"pods/{pod['metadata']['name']}/status")
        flowers.patch(path, {"status": {"podIP": address, "podIPs": [{"ip": address}]}})
    # The proxy chooses among these, and only those that are their pod's own address.
    flowers.eventually(lambda: address in str(flowers.get("endpoints/iris-green").get("subsets")))
    flowers.asked = asked
    return flowers


def asking(flowers, smoke):
    slots = flowers.declared().slots
    return flowers.declared(slots={**slots, "green": replace(slots["green"], smoke=smoke.for_version("2"))})


PREDICT = Smoke(path="/predict", body={"rows": [[5.1, 3.5]]}, json={"version": "{version}"})


def test_an_answer_as_expected_passes(answering):
    lines = answering.pass_gate(asking(answering, PREDICT))
    assert answering.asked == [("/predict", {"rows": [[5.1, 3.5]]})]
    assert lines[-1] == "iris-green: answered POST /predict as expected"


@pytest.mark.parametrize(
    ("smoke", "said"),
    [
        (replace(PREDICT, json={"version": "3"}), 'answered 200, but version is "2" where "3" is expected'),
        (replace(PREDICT, path="/broken"), "answered 503 where 200 is expected"),
        (replace(PREDICT, path="/slow", within=1), "POST /slow was not answered within 1 s"),
    ],
    ids=["another version", "an error", "too slow"],
)
def test_a_wrong_answer_is_refused_after_one_request(answering, smoke, said):
    with pytest.raises(SwitchRefusedError) as raised:
        answering.pass_gate(asking(answering, smoke))
    assert said in str(raised.value)
    assert "Service iris stays on blue" in str(raised.value)
    assert len(answering.asked) == 1


def test_a_preview_asks_a_slot_that_it_leaves_as_it_is(answering):
    with pytest.raises(SwitchRefusedError, match=r"iris-green already is version 2, but its smoke request"):
        answering.pass_gate(asking(answering, replace(PREDICT, json={"version": "3"})), dry_run=True)


def test_a_preview_does_not_ask_a_slot_that_it_changes(answering):
    model = asking(answering, replace(PREDICT, json={"version": "3"}))
    changed = replace(model, slots={**model.slots, "green": replace(model.slots["green"], content="another")})
    assert answering.pass_gate(changed, dry_run=True) == []
    assert answering.asked == []


@pytest.mark.usefixtures("impatient")
def test_a_service_without_endpoints_is_asked_again_and_then_refused(answering, monkeypatch):
    monkeypatch.setattr("infra.guard.answer.PROGRESS", 1.0)
    selector = {"spec": {"selector": {"app.kubernetes.io/name": "nothing"}}}
    answering.patch(answering.path("services/iris-green"), selector)
    answering.eventually(lambda: not answering.get("endpoints/iris-green").get("subsets"))
    with pytest.raises(SwitchRefusedError, match="its Service passes no request on: no endpoints available"):
        answering.pass_gate(asking(answering, replace(PREDICT, within=2)))


def test_the_rights_that_the_guard_names_are_enough(answering, plane):
    """What `infra/observed/read.py` lists, and nothing more."""
    read = ["get", "list"]
    rules = [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": read},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": read},
        {"apiGroups": [""], "resources": ["services", "pods", "events", "resourcequotas"], "verbs": read},
        {"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get", "create"]},
    ]
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "guard"}, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "guard"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "guard"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "deployer"}],
    }
    answering.create(answering.path("roles", f"/apis/{group}/v1"), role)
    answering.create(answering.path("rolebindings", f"/apis/{group}/v1"), binding)
    answering.server = ApiServer(load_access(str(plane.write_kubeconfig("deployer", "deployer"))))
    assert answering.observed().unreachable is None
    answering.pass_gate(asking(answering, PREDICT))
    answering.pass_gate(size=3)
    answering.fail("green", {"reason": "ErrImagePull", "message": "no such image"}, restarts=0)
    with pytest.raises(SwitchRefusedError, match="0 of 2 pods"):
        answering.pass_gate(deadline=1.0)
