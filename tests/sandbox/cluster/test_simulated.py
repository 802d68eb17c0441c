from __future__ import annotations

import pytest

from sandbox.cluster import Cluster, ClusterError, Nodes, choose_nodes
from sandbox.cluster.api import ApiError
from sandbox.cluster.readiness import has_condition
from sandbox.cluster.simulated import NodeShape
from sandbox.paths import Layout

SIMULATED = Nodes(kind="simulated", why="the test asks for it")


def pod_path(namespace, name):
    return f"/api/v1/namespaces/{namespace}/pods/{name}"


def test_a_pod_becomes_ready(api, namespace, pod, eventually):
    api.apply(pod("p", namespace, image="nothing.example/none@sha256:" + "0" * 64))
    ready = eventually(lambda: (found := api.get(pod_path(namespace, "p"))) and has_condition(found, "Ready") and found)
    assert ready["spec"]["nodeName"].startswith("simulated-")
    assert ready["status"]["containerStatuses"][0]["imageID"].endswith("0" * 64)
    assert ready["status"]["podIP"].startswith("198.18.")


def test_a_pod_that_is_marked_so_runs_and_never_becomes_ready(api, namespace, pod, eventually):
    api.apply(pod("p", namespace, metadata={"annotations": {"sandbox.ml-platform/ready": "false"}}))
    running = eventually(lambda: (found := api.get(pod_path(namespace, "p")))["status"]["phase"] == "Running" and found)
    assert not has_condition(running, "Ready")


def test_a_pod_that_the_node_controller_called_unready_is_ready_again(api, namespace, pod, eventually):
    api.apply(pod("p", namespace, image="nothing.example/none:1"))
    eventually(lambda: has_condition(api.get(pod_path(namespace, "p")), "Ready"))
    # What the node controller writes when a node has not reported for a while.
    unready = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}}
    api.apply({**manifest, "status": {"conditions": [unready]}}, subresource="status")
    eventually(lambda: has_condition(api.get(pod_path(namespace, "p")), "Ready"))


def test_a_deployment_becomes_available(api, namespace, eventually):
    template = {
        "metadata": {"labels": {"app": "d"}},
        "spec": {"containers": [{"name": "main", "image": "nothing.example/none:1"}]},
    }
    metadata = {"name": "d", "namespace": namespace}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "d"}}, "template": template}
    api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/d"
    eventually(lambda: api.get(path)["status"].get("availableReplicas") == 3)


def test_a_job_completes(api, namespace, eventually):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "nothing.example/none:1"}]}}
    metadata = {"name": "j", "namespace": namespace}
    api.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}})
    eventually(lambda: has_condition(api.get(f"/apis/batch/v1/namespaces/{namespace}/jobs/j"), "Complete"))


def test_a_pod_larger_than_every_node_stays_pending(api, namespace, pod, eventually):
    api.apply(pod("p", namespace, resources={"requests": {"cpu": "64"}}))
    eventually(
        lambda: any(
            condition["reason"] == "Unschedulable"
            for condition in api.get(pod_path(namespace, "p"))["status"].get("conditions", [])
        )
    )


def test_a_request_to_a_simulated_pod_fails_on_this_machine(api, namespace, pod, eventually):
    api.apply(pod("p", namespace))
    eventually(lambda: has_condition(api.get(pod_path(namespace, "p")), "Ready"))
    with pytest.raises(ApiError, match="simulated-pods-do-not-answer"):
        api.get(f"{pod_path(namespace, 'p')}/proxy/")


def test_a_whole_cluster_starts_with_nodes_of_the_declared_shapes_and_stops(tmp_path, binaries, monkeypatch):
    monkeypatch.delenv("SANDBOX_NODES", raising=False)
    gpu = NodeShape(
        name="gpu", count=1, cpu="8", taints=["nvidia.com/gpu=true:NoSchedule"], extended={"nvidia.com/gpu": "2"}
    )
    layout = Layout(root=tmp_path)
    lines = []
    cluster = Cluster(layout, nodes=SIMULATED, shapes=[NodeShape(), gpu], report=lines.append)
    try:
        cluster.start()
        assert all(status.healthy for status in cluster.status())
        assert {status.name for status in cluster.status()} >= {"etcd", "kwok"}
        assert (cluster.registry, cluster.network, cluster.gateway) == (None, None, None)
        assert layout.kubeconfig.exists()
        nodes = {node["metadata"]["name"]: node for node in cluster.api.get("/api/v1/nodes")["items"]}
        assert set(nodes) == {"simulated-1", "gpu-1"}
        assert nodes["gpu-1"]["status"]["allocatable"]["nvidia.com/gpu"] == "2"
        assert nodes["gpu-1"]["spec"]["taints"][0]["effect"] == "NoSchedule"
        assert choose_nodes(layout) == SIMULATED
        with pytest.raises(ClusterError, match="this sandbox has simulated nodes"):
            Cluster(layout, nodes=Nodes(kind="real", why="a test"), report=lines.append).start()
    finally:
        cluster.stop()
    assert not layout.kubeconfig.exists()
    assert list(layout.run.glob("*.json")) == []
    assert [status.detail for status in cluster.status()] == ["not started"] * 5
    assert any("cluster ready" in line for line in lines)
