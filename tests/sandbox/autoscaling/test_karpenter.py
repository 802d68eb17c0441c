"""What Karpenter does with the pools of a stack: nodes come for pods, go with them, and keep their bounds."""

from __future__ import annotations

import math
import time

import pytest

GPUS = 100
EACH = 8
MOST_GPU_NODES = 13
# The stack's disruption budget, in conftest.py.
SHARE = 0.5
SPARED = "karpenter.sh/do-not-disrupt"

pytestmark = pytest.mark.timeout(600)


def going(found):
    return sum("deletionTimestamp" in node["metadata"] for node in found)


def gone(nodes, pool, *, within):
    """Wait until a pool has no node; return the seconds, and how many of how many were going at most."""
    most, before = 0, len(nodes.of(pool))

    def none():
        nonlocal most
        found = nodes.of(pool)
        most = max(most, going(found))
        return not found

    return nodes.eventually(none, within=within, what=f"no node of {pool} is left"), most, before


def test_from_no_gpu_to_a_hundred_and_back_within_the_pools_maximum_and_its_budget(nodes):
    nodes.without("gpu", "train")
    nodes.deploy("train", "gpu", GPUS, cpu="2", memory="4Gi", gpu="1")
    came = nodes.eventually(lambda: nodes.running("train") == GPUS, within=120, what="100 pods have their GPU")
    assert len(nodes.of("gpu")) == math.ceil(GPUS / EACH)
    # More than thirteen nodes hold: what has no room stays pending, and no node comes for it.
    nodes.deploy("train", "gpu", GPUS + 20, cpu="2", memory="4Gi", gpu="1")
    until = time.monotonic() + 12
    while time.monotonic() < until:
        assert len(nodes.of("gpu")) <= MOST_GPU_NODES
        time.sleep(0.5)
    assert nodes.running("train") == MOST_GPU_NODES * EACH
    nodes.deploy("train", "gpu", 0, cpu="2", memory="4Gi", gpu="1")
    left, most, before = gone(nodes, "gpu", within=240)
    print(f"100 GPUs after {came:.1f} s; 13 nodes gone after {left:.1f} s, {most} at a time at most")
    assert before == MOST_GPU_NODES
    assert most <= math.ceil(SHARE * MOST_GPU_NODES)


def test_pending_pods_bring_nodes_and_take_them_along_but_for_one_that_has_a_state(nodes):
    nodes.without("general", "web")
    nodes.deploy("web", "general", 6, cpu="2500m", memory="1Gi")
    came = nodes.eventually(lambda: nodes.running("web") == 6, within=60, what="six pods run")
    found = nodes.of("general")
    assert len(found) == 2, "three of them fit a node"
    assert {node["metadata"]["labels"]["node.kubernetes.io/instance-type"] for node in found} == {"m-8"}
    nodes.remember("index", "general", cpu="4", memory="1Gi")
    nodes.eventually(lambda: nodes.running("index") == 1, within=60, what="the index runs")
    assert len(nodes.of("general")) == 3
    [before] = nodes.pods("index")
    nodes.train("fit", "general")
    nodes.eventually(lambda: nodes.pods("fit"), within=60, what="the training is there")
    # Nobody wrote that into the manifests.
    assert all(pod["metadata"]["annotations"][SPARED] == "true" for pod in (before, *nodes.pods("fit")))
    assert all(SPARED not in pod["metadata"].get("annotations", {}) for pod in nodes.pods("web"))
    nodes.deploy("web", "general", 0, cpu="2500m", memory="1Gi")
    left = nodes.eventually(lambda: len(nodes.of("general")) == 1, within=180, what="one node is left")
    time.sleep(30)  # longer than the controller takes to look, and to look once more before it acts
    assert [node["metadata"]["name"] for node in nodes.of("general")] == [before["spec"]["nodeName"]]
    assert [pod["metadata"]["uid"] for pod in nodes.pods("index")] == [before["metadata"]["uid"]]
    print(f"6 pods on 2 nodes after {came:.1f} s; of 3 nodes 1 left {left:.1f} s after the pods went")
    for path in ("apis/batch/v1/namespaces/work/jobs/fit", "apis/apps/v1/namespaces/work/statefulsets/index"):
        nodes.api.delete(f"/{path}?propagationPolicy=Background")


def test_room_that_is_kept_is_there_at_once_and_brings_the_next_node_before_anybody_needs_it(nodes):
    nodes.keep_room()
    nodes.eventually(lambda: len(nodes.keeping()) == 2, within=60, what="the room is there")
    [ready] = {*nodes.keeping()}
    nodes.deploy("switch", "ready", 2, cpu="3500m", memory="1Gi")
    came = nodes.eventually(lambda: nodes.running("switch") == 2, within=30, what="the pods run")
    assert {pod["spec"]["nodeName"] for pod in nodes.pods("switch")} == {ready}, "they waited for another node"
    back = nodes.eventually(lambda: len(nodes.keeping()) == 2, within=60, what="the room is there again")
    assert ready not in nodes.keeping()
    assert len(nodes.of("ready")) == 2
    print(f"2 pods run {came:.1f} s after they were asked for, and the room is there again {back:.1f} s later")
    nodes.deploy("switch", "ready", 0, cpu="3500m", memory="1Gi")
    nodes.keep_room(0)
