"""Readiness against a real API server, controllers and scheduler; simulated nodes play the kubelets."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

import pytest

from sandbox.plugins.kubernetes import kubeconfig
from sandbox.plugins.kubernetes.client import Client
from sandbox.plugins.kubernetes.configuration import Configuration
from sandbox.plugins.kubernetes.readiness import NotReadyError, WaitTimedOutError, await_deleted, await_ready

PATIENCE = 60.0


class Live:
    """A namespace of a real cluster, and waiting in it."""

    def __init__(self, plane: Any, namespace: str) -> None:
        access = kubeconfig.resolve(kubeconfig.load(plane.kubeconfig.read_text()), context=None, cluster=None)
        self.client = Client(access, Configuration(), threading.Event())
        self.api = plane.api
        self.namespace = namespace
        self.lines: list[str] = []
        self.never = threading.Event()
        self.create("v1", "Namespace", namespace)

    def create(self, api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
        metadata = {"name": name} | ({} if kind == "Namespace" else {"namespace": self.namespace})
        metadata |= content.pop("metadata", {})
        obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
        return self.client.create(obj, manager="test")

    def deployment(self, name: str = "iris", *, replicas: int = 1, **pod: Any) -> dict[str, Any]:
        labels = {"app": name}
        container = {"name": "server", "image": "iris:1"} | pod.pop("container", {})
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container], **pod}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        return self.create("apps/v1", "Deployment", name, spec=spec)

    def pods(self, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while len(found := self.client.list("v1", "Pod", self.namespace)) < count:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return found

    def judged_pod(self) -> dict[str, Any]:
        """Return the only pod once the scheduler has said its word of it, which would come over another's."""
        deadline = time.monotonic() + PATIENCE
        while not (found := self.pods(1)[0])["status"].get("conditions"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return found

    def set_pod_status(self, pod: dict[str, Any], status: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/status"
        code, answer = self.api.request("PATCH", path, {"status": status}, content_type="application/merge-patch+json")
        assert code == 200, answer

    def await_ready(self, obj: dict[str, Any], timeout: float = PATIENCE) -> dict[str, Any]:
        return await_ready(self.client, obj, timeout=timeout, status=self.lines.append, cancelled=self.never)

    def reasons(self, obj: dict[str, Any], timeout: float) -> list[str]:
        with pytest.raises(NotReadyError) as failure:
            self.await_ready(obj, timeout)
        return failure.value.reasons


@pytest.fixture
def live(control_plane):
    namespace = f"ready-{secrets.token_hex(3)}"
    here = Live(control_plane, namespace)
    yield here
    control_plane.api.delete(f"/api/v1/namespaces/{namespace}")


def test_a_deployment_becomes_ready_with_its_pods(live):
    found = live.await_ready(live.deployment(replicas=2))
    assert found["status"]["availableReplicas"] == 2
    assert live.lines[-1] == "Deployment iris is ready"


def test_a_deployment_that_exceeds_its_quota_says_so(live):
    live.create("v1", "ResourceQuota", "team", spec={"hard": {"pods": "1"}})
    reasons = live.reasons(live.deployment(replicas=2), 3)
    assert "1 of 2 ready" in reasons[1]
    assert reasons[2].startswith("quota exceeded: ")
    assert "limited: pods=1" in reasons[2]
    assert any("quota exceeded" in line for line in live.lines)


def test_a_pod_that_pod_security_refuses_is_explained(control_plane):
    namespace = f"ready-{secrets.token_hex(3)}"
    live = Live(control_plane, namespace)
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    control_plane.api.request(
        "PATCH", f"/api/v1/namespaces/{namespace}", label, content_type="application/merge-patch+json"
    )
    reasons = live.reasons(live.deployment(), 2)
    assert reasons[-1].startswith("refused by Pod Security: ")
    assert "runAsNonRoot" in reasons[-1]


def test_a_stateful_set_whose_pods_are_refused_is_explained_by_its_events(live):
    live.create("v1", "ResourceQuota", "team", spec={"hard": {"pods": "0"}})
    labels = {"app": "db"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    spec = {"serviceName": "db", "replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    reasons = live.reasons(live.create("apps/v1", "StatefulSet", "db", spec=spec), 2)
    assert reasons[-1].startswith("quota exceeded: ")


def test_a_pod_that_fits_on_no_node_repeats_the_schedulers_reason(live):
    reasons = live.reasons(live.deployment(nodeSelector={"gpu": "h100"}), 2)
    assert "Unschedulable: " in reasons[-1]
    assert "nodes are available" in reasons[-1]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "iris:1"'}},
            'ImagePullBackOff: Back-off pulling image "iris:1"',
        ),
        (
            {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            "container server ended with exit code 137 (OOMKilled)",
        ),
    ],
)
def test_what_a_kubelet_writes_into_a_pods_status_is_told(live, state, told):
    # No simulated node matches, so the status stays as it is written here, as a kubelet would.
    obj = live.deployment(nodeSelector={"no": "node"})
    pod = live.judged_pod()
    container = {"name": "server", "image": "iris:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    scheduled = {"type": "PodScheduled", "status": "True"}
    live.set_pod_status(pod, {"phase": "Pending", "conditions": [scheduled], "containerStatuses": [container]})
    reasons = live.reasons(obj, 1)
    assert reasons[-1] == f"{pod['metadata']['name']}: {told}"


def test_a_job_completes(live):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "train", "image": "train:1"}]}}
    found = live.await_ready(live.create("batch/v1", "Job", "train", spec={"template": template}))
    assert found["status"]["succeeded"] == 1


def test_a_failed_job_ends_the_wait_at_once(live):
    template = {
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"no": "node"},
            "containers": [{"name": "t", "image": "t:1"}],
        }
    }
    obj = live.create("batch/v1", "Job", "train", spec={"template": template, "activeDeadlineSeconds": 1})
    began = time.monotonic()
    assert "DeadlineExceeded" in live.reasons(obj, PATIENCE)[0]
    assert time.monotonic() - began < 20


def test_a_service_waits_for_a_ready_pod(live):
    ports = [{"port": 80}]
    service = live.create("v1", "Service", "iris", spec={"selector": {"app": "iris"}, "ports": ports})
    reasons = live.reasons(service, 1)
    assert reasons[-1] == "its selector app=iris matches no pod"
    live.deployment()
    assert live.await_ready(service)["metadata"]["name"] == "iris"


def test_a_claim_of_a_late_binding_class_is_ready_and_one_without_a_class_says_why_not(live):
    late = f"late-{live.namespace}"
    live.create(
        "storage.k8s.io/v1",
        "StorageClass",
        late,
        metadata={"namespace": None},
        provisioner="example.com/none",
        volumeBindingMode="WaitForFirstConsumer",
    )
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = live.create("v1", "PersistentVolumeClaim", "data", spec=size | {"storageClassName": late})
    assert live.await_ready(claim)["metadata"]["name"] == "data"
    other = live.create("v1", "PersistentVolumeClaim", "other", spec=size | {"storageClassName": ""})
    assert "no storage class" in live.reasons(other, 1)[1]


def test_a_daemon_set_runs_on_every_node(live):
    labels = {"app": "agent"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "agent", "image": "agent:1"}]}}
    obj = live.create("apps/v1", "DaemonSet", "agent", spec={"selector": {"matchLabels": labels}, "template": template})
    assert live.await_ready(obj)["status"]["numberAvailable"] == 2


def test_a_finalizer_holds_a_deletion_until_it_is_removed(live):
    obj = live.create("v1", "ConfigMap", "held", metadata={"finalizers": ["example.com/keep"]})
    path = f"/api/v1/namespaces/{live.namespace}/configmaps/held"
    live.api.delete(path)
    with pytest.raises(WaitTimedOutError, match=r"finalizer example\.com/keep holds it"):
        await_deleted(live.client, obj, timeout=0.5, status=live.lines.append, cancelled=live.never)
    none = {"metadata": {"finalizers": None}}
    live.api.request("PATCH", path, none, content_type="application/merge-patch+json")
    await_deleted(live.client, obj, timeout=PATIENCE, status=live.lines.append, cancelled=live.never)
    assert live.client.get("v1", "ConfigMap", "held", live.namespace) is None
