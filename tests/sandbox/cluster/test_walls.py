"""Who reaches whom among three teams, by real connections: the matrix that the judge of rendered policies was asked."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from tenants import NAMESPACES, manifests
from walls import HEADER, OPEN, PODS, ROWS, full, shown

from sandbox.tools import ToolError, provide

# Every pod listens on each of these, so that what is closed is closed by a policy.
PORTS = sorted(OPEN)
LISTEN = " ".join(f"httpd -p {port} -h /;" for port in PORTS)
SAFE = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
# Seconds until every twin runs and is in everybody's tables, which are written anew for each pod that comes or goes; 8
# were once too few beside the rest of the suite. Until then nobody asks, and afterwards nobody ends: while its tables
# are written, kube-router lets some ports be open that are closed before and after.
SETTLED = 30
ROUNDS = 3
DONE = "done"
ENDED = ("Succeeded", "Failed")
# Kinds of the stack that no sandbox of this test knows, or needs.
LEFT_OUT = {"PersistentVolume", "PersistentVolumeClaim", "ResourceQuota"}


@pytest.fixture(scope="module")
def walled(cluster):
    """The teams of three namespaces and more on a real node, with their policies enforced."""
    try:
        provide(["kube-router"], report=print)
    except ToolError as error:
        pytest.skip(f"no kube-router on this machine: {error}")
    cluster.start_walls()
    for manifest in manifests():
        if manifest["kind"] not in LEFT_OUT:
            cluster.api.apply(manifest)
    for namespace in {name.partition("/")[0] for name in PODS} - {*NAMESPACES, "default", "kube-system"}:
        cluster.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    return cluster


def manifest(name, command, suffix=""):
    """A pod of the matrix: its own labels and named ports, and what it runs."""
    namespace, _, short = name.partition("/")
    labels, ports = PODS[name]
    container = {
        "name": "c",
        "image": "docker.io/library/box:1",
        "command": ["sh", "-c", command],
        "ports": [{"name": called, "containerPort": port} for called, port in ports.items()],
        "securityContext": CONTAINER,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{short}{suffix}", "namespace": namespace, "labels": labels},
        "spec": {
            "containers": [container],
            "securityContext": SAFE,
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
        },
    }


def path(name, suffix=""):
    namespace, _, short = name.partition("/")
    return f"/api/v1/namespaces/{namespace}/pods/{short}{suffix}"


@pytest.fixture(scope="module")
def reached(walled, eventually):
    """Who reached whom, and by which ports: every pod asks every other, from a twin with its own labels.

    Three times, and what was answered more often than not is what stands: one moment is no policy.
    """
    api = walled.api
    for namespace in {name.partition("/")[0] for name in PODS}:
        eventually(lambda at=namespace: api.get(f"/api/v1/namespaces/{at}/serviceaccounts/default"))
    for name in PODS:
        api.apply(manifest(name, f"{LISTEN} sleep 3600"))
    addresses = {
        name: eventually(lambda at=name: api.get(path(at))["status"].get("podIP"), seconds=90) for name in PODS
    }
    asks = "".join(
        f"(nc -w 3 {address} {port} < /dev/null 2> /dev/null && echo {name} {port}) & "
        for name, address in addresses.items()
        for port in PORTS
    )
    begin = f"while [ $(date +%s) -lt {time.time() + SETTLED:.0f} ]; do sleep 1; done"
    for name in PODS:
        again = f"for i in $(seq {ROUNDS}); do {asks} wait; sleep 2; done"
        api.apply(manifest(name, f"{begin}; {again}; echo {DONE}; sleep 3600", suffix="-asks"))

    def answered(name) -> list[str] | None:
        lines = api.request("GET", f"{path(name, '-asks')}/log")[1].decode().splitlines()
        return lines[:-1] if lines[-1:] == [DONE] else None

    found = {}
    for name in PODS:
        for line, times in Counter(eventually(lambda at=name: answered(at), seconds=120)).items():
            target, _, port = line.partition(" ")
            if times > ROUNDS / 2:
                found.setdefault((name, target), set()).add(int(port))
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_connection_is_made_where_the_matrix_says_and_nowhere_else(reached, row):
    source = full(row[0])
    every = set(PORTS)
    got = {target: reached.get((source, full(target)), set()) for target in HEADER[1:] if full(target) != source}
    expected = {target: cell for target, cell in zip(HEADER[1:], row[1:], strict=True) if full(target) != source}
    assert {target: "all" if ports == every else shown(ports) for target, ports in got.items()} == expected


def test_without_the_wall_of_a_team_a_stranger_gets_in(walled, reached, eventually):
    """The control: what closes is the policy, and its absence opens."""
    assert ("default/stranger", "ingest-test/worker") not in reached
    walled.api.delete("/apis/networking.k8s.io/v1/namespaces/ingest-test/networkpolicies/deny-all")
    others = walled.api.get("/apis/networking.k8s.io/v1/namespaces/ingest-test/networkpolicies")["items"]
    for one in others:
        walled.api.delete(
            f"/apis/networking.k8s.io/v1/namespaces/ingest-test/networkpolicies/{one['metadata']['name']}"
        )
    address = walled.api.get(path("ingest-test/worker"))["status"]["podIP"]
    asks = f"for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 {address} 8080 < /dev/null && echo in && break; sleep 1; done"
    walled.api.apply(manifest("default/stranger", asks, suffix="-again"))
    at = path("default/stranger", "-again")
    eventually(lambda: walled.api.get(at)["status"]["phase"] in ENDED, seconds=90)
    assert walled.api.request("GET", f"{at}/log")[1].decode().strip() == "in"
