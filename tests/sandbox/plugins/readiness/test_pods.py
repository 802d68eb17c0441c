"""The sentence that says why pods do not start, from statuses as kubelet and controllers write them."""

from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.readiness.pods import explain_pods, explain_workload, selector_words

NAMESPACE = "fraud-prod"


def pod(name: str = "iris-blue-x", *, uid: str = "p1", owner: str = "rs1", **status) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid,
            "labels": {"app": "iris"},
            "ownerReferences": [{"uid": owner, "kind": "ReplicaSet"}],
        },
        "status": {"phase": "Pending", **status},
    }


def container(state: dict, *, name: str = "server", ready: bool = False, restarts: int = 0, last: dict | None = None):
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, "lastState": last or {}}


def event(uid: str, reason: str, message: str, seen: str = "2026-01-01T00:00:00Z") -> dict:
    return {
        "kind": "Event",
        "metadata": {"name": f"{uid}.{reason}.{seen}", "namespace": NAMESPACE},
        "involvedObject": {"uid": uid},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": seen,
    }


PULL = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "iris:9": not found'}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
TRACEBACK = {
    "terminated": {
        "exitCode": 1,
        "reason": "Error",
        "message": "Traceback (most recent call last):\n  File x\nKeyError: 'MODEL'\n",
    }
}
BACKOFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        pytest.param(
            {"containerStatuses": [container(PULL)]},
            'iris-blue-x: ImagePullBackOff: Back-off pulling image "iris:9": not found',
            id="image pull",
        ),
        pytest.param(
            {"containerStatuses": [container(BACKOFF, restarts=3, last=KILLED)]},
            "iris-blue-x: CrashLoopBackOff: container server ended with exit code 137 (OOMKilled) after 3 restarts",
            id="out of memory",
        ),
        pytest.param(
            {"containerStatuses": [container(BACKOFF, restarts=1, last=TRACEBACK)]},
            "iris-blue-x: CrashLoopBackOff: container server ended with exit code 1 (Error) after 1 restart: "
            "KeyError: 'MODEL'",
            id="crash with its own message",
        ),
        pytest.param(
            {"containerStatuses": [container({"running": {}}, restarts=2, last=KILLED)]},
            "iris-blue-x: container server ended with exit code 137 (OOMKilled) after 2 restarts",
            id="crashing, just started again",
        ),
        pytest.param(
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                    }
                ]
            },
            "iris-blue-x: Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            id="no node takes it",
        ),
        pytest.param(
            {
                "initContainerStatuses": [container(BACKOFF, name="fetch", last=TRACEBACK)],
                "containerStatuses": [container({"waiting": {"reason": "PodInitializing"}})],
            },
            "iris-blue-x: CrashLoopBackOff: container fetch ended with exit code 1 (Error): KeyError: 'MODEL'",
            id="init container first",
        ),
        pytest.param(
            {"containerStatuses": [container({"waiting": {"reason": "ContainerCreating"}})]},
            "iris-blue-x: ContainerCreating",
            id="nothing known but that it is being made",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            "iris-blue-x: Evicted: The node was low on resource: memory.",
            id="evicted",
        ),
    ],
)
def test_a_pods_own_status_is_told_in_one_sentence(recorded, status, sentence):
    assert explain_pods(recorded, [pod(**status)]) == [sentence]


def test_a_failing_readiness_probe_is_told_with_the_newest_answer(recorded):
    recorded.objects += [
        event("p1", "Unhealthy", "Readiness probe failed: connection refused", "2026-01-01T00:00:01Z"),
        event(
            "p1", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", "2026-01-01T00:00:09Z"
        ),
    ]
    running = pod(phase="Running", containerStatuses=[container({"running": {}})])
    (sentence,) = explain_pods(recorded, [running])
    assert sentence == (
        "iris-blue-x: container server runs but is not ready: "
        "Readiness probe failed: HTTP probe failed with statuscode: 503"
    )


def test_a_volume_that_cannot_be_mounted_is_told_from_the_pods_events(recorded):
    recorded.objects.append(event("p1", "FailedMount", 'MountVolume.SetUp failed: secret "churn" not found'))
    creating = pod(containerStatuses=[container({"waiting": {"reason": "ContainerCreating"}})])
    assert explain_pods(recorded, [creating]) == [
        'iris-blue-x: FailedMount: MountVolume.SetUp failed: secret "churn" not found'
    ]


def test_pods_with_the_same_trouble_share_a_sentence_and_ready_ones_are_left_out(recorded):
    ready = pod("iris-blue-r", conditions=[{"type": "Ready", "status": "True"}])
    pods = [pod(f"iris-blue-{n}", uid=f"p{n}", containerStatuses=[container(PULL)]) for n in range(3)]
    (sentence,) = explain_pods(recorded, [ready, *pods])
    assert sentence.startswith("iris-blue-0 (and 2 more): ImagePullBackOff")


def test_at_most_three_troubles_are_told(recorded):
    pods = [
        pod(
            f"iris-{n}",
            uid=f"p{n}",
            containerStatuses=[container({"waiting": {"reason": "ErrImagePull", "message": str(n)}})],
        )
        for n in range(5)
    ]
    assert len(explain_pods(recorded, pods)) == 3


def test_a_long_message_is_cut_to_one_line(recorded):
    endless = {"waiting": {"reason": "ErrImagePull", "message": "no\nsuch " + "x" * 1000}}
    (sentence,) = explain_pods(recorded, [pod(containerStatuses=[container(endless)])])
    assert "\n" not in sentence
    assert len(sentence) < 630
    assert sentence.endswith("…")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            'pods "iris-x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2',
            "quota exceeded: ",
        ),
        (
            'pods "iris-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot',
            "refused by Pod Security: ",
        ),
        ('admission webhook "x" denied the request: no', "no pod could be made: "),
    ],
)
def test_pods_that_were_never_made_are_explained_by_their_owners_events(recorded, message, told):
    owner = {"kind": "StatefulSet", "metadata": {"name": "iris", "namespace": NAMESPACE, "uid": "s1"}}
    recorded.objects.append(event("s1", "FailedCreate", message))
    (sentence,) = explain_workload(recorded, owner, {"matchLabels": {"app": "iris"}})
    assert sentence.startswith(told)
    assert message in sentence


def test_pods_of_another_owner_with_the_same_labels_are_not_blamed(recorded):
    recorded.objects.append(pod(owner="someone-else", containerStatuses=[container(PULL)]))
    owner = {"kind": "ReplicaSet", "metadata": {"name": "iris", "namespace": NAMESPACE, "uid": "rs1"}}
    assert explain_workload(recorded, owner, {"matchLabels": {"app": "iris"}}) == []


def test_a_selector_is_written_as_a_query():
    selector = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["web", "api"]},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert selector_words(selector) == "a=1,b=2,tier in (web,api),!old"
