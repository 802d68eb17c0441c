from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox.cluster import Cluster
from sandbox.cluster.readiness import has_condition
from sandbox.paths import Layout

SERVE = "mkdir -p /tmp/www && echo served-by-$HOSTNAME > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
PROBE = {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1}


@pytest.fixture
def own_cluster(real_nodes, tmp_path):
    """A cluster that the test may break."""
    cluster = Cluster(Layout(root=tmp_path), nodes=real_nodes)
    yield cluster
    cluster.stop()


def answer(url, seconds=20.0):
    """Ask until there is an answer: rules for a new Service take a moment."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + seconds
    while True:
        try:
            with opener.open(url, timeout=2) as response:
                return response.read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def ready_pod(api, manifest, eventually):
    api.apply(manifest)
    path = f"/api/v1/namespaces/{manifest['metadata']['namespace']}/pods/{manifest['metadata']['name']}"
    return eventually(lambda: (found := api.get(path)) and has_condition(found, "Ready") and found, 60)


def finished_pod(api, manifest, eventually):
    """Run a pod to its end and return what it wrote and whether it succeeded."""
    manifest["spec"]["restartPolicy"] = "Never"
    api.apply(manifest)
    path = f"/api/v1/namespaces/{manifest['metadata']['namespace']}/pods/{manifest['metadata']['name']}"
    ended = eventually(
        lambda: (found := api.get(path))["status"]["phase"] in {"Succeeded", "Failed"} and found["status"]["phase"], 60
    )
    _, log = api.request("GET", f"{path}/log")
    return log.decode(), ended


def service(name, namespace):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def web(pod, namespace, **more):
    return pod(
        "web",
        namespace,
        image="docker.io/library/box:1",
        metadata={"labels": {"app": "web"}},
        args=[SERVE],
        readinessProbe=PROBE,
        **more,
    )


def traces(cluster, addresses):
    """What a sandbox could have left on this machine, each with the sandbox's own mark."""
    name, root = cluster.parts.name, str(cluster.layout.root)
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    groups = [path for path in Path("/sys/fs/cgroup").rglob(name) if path.is_dir()]
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if (root in words or name in words) and path.parent.name != str(os.getpid()):
            processes.append(words)
    return {
        "links": [link["ifname"] for link in links if link["ifname"] == name],
        "routes": [line for line in routes.splitlines() if addresses in line],
        "groups": [str(path) for path in groups],
        "processes": processes,
        "mounts": [line for line in Path("/proc/self/mounts").read_text().splitlines() if root in line],
    }


def machine():
    """What no sandbox may touch, whoever else works on this machine meanwhile."""
    settings = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    return {
        "settings": {name: Path(f"/proc/sys/{name}").read_text() for name in settings},
        "kube-proxy's tables": [line for line in tables.splitlines() if "kube-proxy" in line],
        "namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
    }


def kill(cluster, name):
    record = cluster.parts.processes.record(name)
    os.kill(record.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while record.alive and time.monotonic() < end:
        time.sleep(0.01)


def test_every_process_is_healthy(cluster):
    statuses = {status.name: status for status in cluster.status()}
    assert {name: status.detail for name, status in statuses.items()} == dict.fromkeys(statuses, "healthy")
    assert set(statuses) >= {"namespaces", "etcd", "registry", "containerd", "kubelet", "kube-proxy", "coredns"}
    assert all(Path(f"/proc/{status.pid}").exists() for status in statuses.values())


def test_a_pod_runs_from_an_image_of_the_registry_behind_its_probe(cluster, real_namespace, pod, push, eventually):
    digest = push(cluster.registry, "ml/box", "1")
    manifest = web(pod, real_namespace)
    manifest["spec"]["containers"][0]["image"] = f"{cluster.registry}/ml/box@{digest}"
    running = ready_pod(cluster.api, manifest, eventually)
    assert running["status"]["containerStatuses"][0]["imageID"].endswith(digest)
    assert answer(f"http://{running['status']['podIP']}:8080/") == "served-by-web\n"


def test_a_pod_whose_probe_fails_never_counts_as_ready(real_api, real_namespace, pod, eventually):
    manifest = pod("p", real_namespace, image="docker.io/library/box:1", args=["sleep 300"], readinessProbe=PROBE)
    real_api.apply(manifest)
    path = f"/api/v1/namespaces/{real_namespace}/events?fieldSelector=reason=Unhealthy"
    eventually(lambda: real_api.get(path)["items"], 60)
    assert not has_condition(real_api.get(f"/api/v1/namespaces/{real_namespace}/pods/p"), "Ready")


def test_an_image_that_nobody_pushed_is_told_apart(real_api, real_namespace, pod, eventually):
    real_api.apply(pod("p", real_namespace, image="quay.io/nobody/nothing:9"))
    path = f"/api/v1/namespaces/{real_namespace}/pods/p"
    eventually(
        lambda: any(
            status["state"].get("waiting", {}).get("reason") in {"ErrImagePull", "ImagePullBackOff"}
            for status in real_api.get(path)["status"].get("containerStatuses", [])
        ),
        60,
    )


def test_a_service_answers_from_this_machine_and_by_name_from_a_pod(real_api, real_namespace, pod, eventually):
    ready_pod(real_api, web(pod, real_namespace), eventually)
    address = real_api.apply(service("web", real_namespace))["spec"]["clusterIP"]
    assert answer(f"http://{address}/") == "served-by-web\n"
    asker = pod(
        "asker",
        real_namespace,
        image="docker.io/library/box:1",
        args=[f"nslookup web.{real_namespace}.svc.cluster.local && wget -qO- http://web/"],
    )
    log, ended = finished_pod(real_api, asker, eventually)
    assert ended == "Succeeded", log
    assert address in log
    assert "served-by-web" in log


def test_a_name_that_is_not_the_clusters_does_not_exist(real_api, real_namespace, pod, eventually):
    asker = pod("asker", real_namespace, image="docker.io/library/box:1", args=["nslookup example.com"])
    begun = time.monotonic()
    log, ended = finished_pod(real_api, asker, eventually)
    assert ended == "Failed"
    assert "NXDOMAIN" in log
    assert time.monotonic() - begun < 30


def test_a_pod_reaches_the_api_server_by_its_name(real_api, real_namespace, pod, eventually):
    script = "wget -qO- http://kubernetes.default.svc:443/version 2>&1; true"
    asker = pod("asker", real_namespace, image="docker.io/library/box:1", args=[script])
    log, _ = finished_pod(real_api, asker, eventually)
    # busybox speaks none of the server's ciphers; that plain HTTP is refused proves the way as well.
    assert "400 Bad Request" in log, log


def test_an_autoscaler_sees_the_cpu_that_a_pod_uses(cluster, real_api, real_namespace, pod, eventually):
    cluster.start_metrics()
    busy = {"containers": [{"name": "main", "image": "docker.io/library/box:1", "args": ["while :; do :; done"]}]}
    busy["containers"][0]["resources"] = {"requests": {"cpu": "50m"}, "limits": {"cpu": "100m"}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"}
    metadata = {"name": "busy", "namespace": real_namespace}
    template = {"metadata": {"labels": {"app": "busy"}}, "spec": busy | {"terminationGracePeriodSeconds": 0}}
    spec = {"selector": {"matchLabels": {"app": "busy"}}, "template": template}
    real_api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}
    metric["resource"]["target"]["averageUtilization"] = 50
    real_api.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {"scaleTargetRef": target, "maxReplicas": 2, "metrics": [metric]},
        }
    )
    eventually(lambda: real_api.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{real_namespace}/pods")["items"], 90)
    path = f"/apis/autoscaling/v2/namespaces/{real_namespace}/horizontalpodautoscalers/busy"
    seen = eventually(lambda: (real_api.get(path)["status"].get("currentMetrics") or [{}])[0].get("resource"), 120)
    assert seen["current"]["averageUtilization"] > 100
    assert {"metrics-server"} <= {status.name for status in cluster.status() if status.healthy}


def test_what_was_killed_is_started_again_while_pods_run_on(own_cluster, pod, push, eventually):
    own_cluster.start()
    push(own_cluster.registry, "library/box", "1")
    api = own_cluster.api
    eventually(lambda: api.get("/api/v1/namespaces/default/serviceaccounts/default"))
    before = ready_pod(api, web(pod, "default"), eventually)
    for name in ("etcd", "kube-apiserver", "containerd", "kubelet", "kube-proxy", "coredns", "registry"):
        kill(own_cluster, name)
    assert [status.name for status in own_cluster.status() if not status.alive]
    own_cluster.start()
    assert all(status.healthy for status in own_cluster.status())
    assert api.get("/api/v1/namespaces/default/pods/web")["metadata"]["uid"] == before["metadata"]["uid"]
    assert answer(f"http://{before['status']['podIP']}:8080/") == "served-by-web\n"
    # The namespaces' end is everything's end; the data bring it back.
    kill(own_cluster, "namespaces")
    eventually(lambda: not any(status.alive for status in own_cluster.status()))
    own_cluster.start()
    eventually(lambda: has_condition(api.get("/api/v1/namespaces/default/pods/web"), "Ready"), 60)
    address = eventually(lambda: api.get("/api/v1/namespaces/default/pods/web")["status"].get("podIP"))
    assert answer(f"http://{address}:8080/", 60) == "served-by-web\n"


def test_a_killed_kubelet_is_back_before_anybody_calls_its_node_lost(cluster, real_api, eventually):
    former = cluster.parts.processes.record("kubelet")
    kill(cluster, "kubelet")
    begun = time.monotonic()
    ready = []
    while (record := cluster.parts.processes.record("kubelet")).pid == former.pid or time.monotonic() - begun < 5:
        ready.append(has_condition(real_api.get("/api/v1/nodes/sandbox"), "Ready"))
        assert time.monotonic() - begun < 30
        time.sleep(0.2)
    assert all(ready)
    assert record.restarts == 1
    eventually(lambda: [status for status in cluster.status() if status.name == "kubelet" and status.healthy])


@pytest.mark.parametrize("seconds", [0.15, 0.6, 2.0, 4.0])
def test_a_start_that_is_killed_is_finished_by_the_next_and_leaves_nothing(own_cluster, seconds):
    before = machine()
    script = (
        "import sys; from pathlib import Path; from sandbox.paths import Layout; "
        "from sandbox.cluster import Cluster, Nodes; "
        "print('go', flush=True); "
        "Cluster(Layout(root=Path(sys.argv[1])), nodes=Nodes(kind='real', why='a test')).start()"
    )
    argv = [sys.executable, "-c", script, str(own_cluster.layout.root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as starting:
        starting.stdout.readline()
        time.sleep(seconds)
        starting.kill()
    own_cluster.start()
    assert all(status.healthy for status in own_cluster.status())
    block = own_cluster.network.block.removesuffix("0.0/16")
    own_cluster.stop()
    assert not any(traces(own_cluster, block).values()), traces(own_cluster, block)
    assert machine() == before


def test_a_stopped_cluster_leaves_nothing_on_the_machine_within_ten_seconds(
    own_cluster, cluster, pod, push, eventually
):
    before = machine()
    # A second sandbox beside a running one: each has its own network, and neither sees the other's end.
    own_cluster.start()
    assert own_cluster.registry != cluster.registry
    push(own_cluster.registry, "library/box", "1")
    api = own_cluster.api
    running = ready_pod(api, web(pod, "default"), eventually)
    assert answer(f"http://{running['status']['podIP']}:8080/") == "served-by-web\n"
    block = own_cluster.network.block.removesuffix("0.0/16")
    inside = own_cluster.parts.namespaces._members(own_cluster.parts.processes.record("namespaces"))
    assert len(inside) > 10
    assert all(traces(own_cluster, block)[kind] for kind in ("links", "routes", "groups", "processes"))
    begun = time.monotonic()
    own_cluster.stop()
    assert time.monotonic() - begun < 10
    assert not any(traces(own_cluster, block).values()), traces(own_cluster, block)
    assert [pid for pid in inside if Path(f"/proc/{pid}/ns/net").exists()] == []
    assert machine() == before
    assert all(status.healthy for status in cluster.status())
    own_cluster.stop()
