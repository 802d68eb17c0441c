from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time

import pytest

from sandbox.cluster import ControlPlane
from sandbox.cluster.api import ApiError
from sandbox.cluster.control_plane import BINARIES


@pytest.fixture
def own_plane(binaries, tmp_path):
    """A control plane that the test may break."""
    plane = ControlPlane(tmp_path, binaries, controllers=False)
    plane.start()
    yield plane
    plane.stop()


def config_map(name, namespace="default", **data):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def kill(plane, name):
    record = plane.processes.record(name)
    os.kill(record.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while record.alive and time.monotonic() < end:
        time.sleep(0.01)
    assert not record.alive


def test_every_process_is_healthy(plane):
    statuses = plane.status()
    assert [status.name for status in statuses] == list(BINARIES)
    assert [status.detail for status in statuses] == ["healthy"] * 4
    assert all(status.memory > 10_000_000 for status in statuses)


def test_a_second_start_changes_nothing(plane):
    before = [status.pid for status in plane.status()]
    kubeconfig = plane.kubeconfig.read_bytes()
    plane.start()
    assert [status.pid for status in plane.status()] == before
    assert plane.kubeconfig.read_bytes() == kubeconfig


def test_the_administrators_kubeconfig_is_the_owners_alone(plane):
    assert stat.S_IMODE(plane.kubeconfig.stat().st_mode) == 0o600
    assert json.loads(plane.kubeconfig.read_text())["current-context"] == "sandbox"


def test_nobody_is_anonymous(plane):
    context = ssl.create_default_context(cafile=str(plane.authority.pair.certificate))
    connection = http.client.HTTPSConnection(plane.address, plane.ports["kube-apiserver"], context=context)
    connection.request("GET", "/api/v1/namespaces")
    assert connection.getresponse().status == 401
    connection.close()


def test_a_user_without_a_role_may_do_nothing(plane, namespace):
    stranger = plane.api_as("stranger", "stranger")
    with pytest.raises(ApiError, match=r"403[\s\S]*stranger"):
        stranger.get(f"/api/v1/namespaces/{namespace}/pods")


def test_a_role_grants_what_it_names_and_no_more(plane, namespace):
    plane.api.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "viewer", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "viewer"}],
        }
    )
    viewer = plane.api_as("viewer", "viewer")
    assert viewer.get(f"/api/v1/namespaces/{namespace}/pods")["kind"] == "PodList"
    with pytest.raises(ApiError, match="403"):
        viewer.get(f"/api/v1/namespaces/{namespace}/secrets")


def test_a_node_reads_no_secret_that_none_of_its_pods_uses(plane, namespace):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}
    plane.api.apply(secret | {"stringData": {"a": "b"}})
    node = plane.api_as("node", "system:node:simulated-1", "system:nodes")
    with pytest.raises(ApiError, match="no relationship found between node 'simulated-1' and this object"):
        node.get(f"/api/v1/namespaces/{namespace}/secrets/s")


def test_a_node_changes_no_other_node(plane):
    node = plane.api_as("node", "system:node:simulated-1", "system:nodes")
    patch = {"metadata": {"labels": {"a": "b"}}}
    status, body = node.request(
        "PATCH", "/api/v1/nodes/simulated-2", patch, content_type="application/merge-patch+json"
    )
    assert status == 403
    assert b"is not allowed to modify node" in body


def test_secrets_are_encrypted_where_they_are_stored(plane, namespace):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}
    plane.api.apply(secret | {"stringData": {"password": "correct-horse-battery"}})
    plane.api.apply(config_map("c", namespace, plain="staple-in-the-clear"))
    stored = b"".join(path.read_bytes() for path in (plane.directory / "etcd").rglob("*") if path.is_file())
    assert b"staple-in-the-clear" in stored
    assert b"correct-horse-battery" not in stored
    assert f"/registry/secrets/{namespace}/s".encode() in stored
    assert b"k8s:enc:secretbox:v1:key1:" in stored


def test_pod_security_refuses_a_privileged_pod(plane, namespace, pod):
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    with pytest.raises(ApiError, match='violates PodSecurity "restricted:latest": privileged'):
        plane.api.apply(pod("p", namespace, securityContext={"privileged": True}))


def test_a_quota_refuses_what_exceeds_it(plane, namespace, pod, eventually):
    plane.api.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "q", "namespace": namespace},
            "spec": {"hard": {"requests.cpu": "1"}},
        }
    )
    eventually(lambda: plane.api.get(f"/api/v1/namespaces/{namespace}/resourcequotas/q").get("status", {}).get("hard"))
    plane.api.apply(pod("small", namespace, resources={"requests": {"cpu": "600m"}}))
    with pytest.raises(ApiError, match=r"exceeded quota: q, requested: requests.cpu=600m"):
        plane.api.apply(pod("large", namespace, resources={"requests": {"cpu": "600m"}}))


def test_a_limit_range_gives_containers_their_defaults(plane, namespace, pod):
    limits = [{"type": "Container", "defaultRequest": {"cpu": "70m"}}]
    metadata = {"name": "l", "namespace": namespace}
    plane.api.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}})
    made = plane.api.apply(pod("p", namespace))
    assert made["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "70m"}


@pytest.mark.parametrize("victim", ["etcd", "kube-apiserver"])
def test_a_killed_server_is_started_again_with_its_data_and_address(own_plane, victim):
    own_plane.api.apply(config_map("kept", answer="42"))
    server, other = own_plane.server, next(name for name in own_plane.names if name != victim)
    untouched = own_plane.processes.record(other)
    kill(own_plane, victim)
    assert [status.healthy for status in own_plane.status() if status.name == victim] == [False]
    own_plane.start()
    assert own_plane.server == server
    assert own_plane.api.get("/api/v1/namespaces/default/configmaps/kept")["data"] == {"answer": "42"}
    assert own_plane.processes.record(other) == untouched


def test_data_outlive_a_stop(own_plane):
    own_plane.api.apply(config_map("kept", answer="42"))
    own_plane.stop()
    assert not any(own_plane.processes.alive(name) for name in own_plane.names)
    own_plane.start()
    assert own_plane.api.get("/api/v1/namespaces/default/configmaps/kept")["data"] == {"answer": "42"}


def test_a_port_that_somebody_else_took_is_given_up(own_plane):
    own_plane.api.apply(config_map("kept", answer="42"))
    own_plane.stop()
    port = own_plane.ports["kube-apiserver"]
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", port))
        taker.listen()
        own_plane.start()
        assert own_plane.ports["kube-apiserver"] != port
        assert own_plane.server in own_plane.kubeconfig.read_text()
        assert own_plane.api.get("/api/v1/namespaces/default/configmaps/kept")["data"] == {"answer": "42"}


def test_the_scratch_command_runs_until_it_is_interrupted(tmp_path, binaries):
    command = [sys.executable, "-m", "sandbox.cluster", "--no-controllers", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        lines = iter(running.stdout.readline, "")
        assert next(line for line in lines if line.endswith("admin.kubeconfig\n")).startswith(str(tmp_path))
        plane = ControlPlane(tmp_path, binaries, controllers=False)
        assert plane.api.health() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert not any(plane.processes.alive(name) for name in plane.names)
