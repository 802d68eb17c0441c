"""Who reaches whom among three teams, judged by somebody else's reading of the rendered policies.

A judgement of what the API server is given, by network-config-analyzer, wherever tests run. The same matrix by real
connections, where there are real nodes: tests/sandbox/cluster/test_walls.py.
"""

from __future__ import annotations

import pytest
from judge import ALL, judge, reachable
from tenants import NAMESPACES, manifests
from walls import HEADER, PODS, ROWS, full, shown


def pod(namespace, name, ports, **labels):
    containers = [{"name": "c", "image": "i", "ports": [{"name": n, "containerPort": p} for n, p in ports.items()]}]
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}


def cluster():
    """The rendered namespaces and policies, with the label that an API server adds, and pods in them."""
    for name in dict.fromkeys(one.partition("/")[0] for one in PODS):
        labels = {"kubernetes.io/metadata.name": name}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    yield from (manifest for manifest in manifests() if manifest["kind"] == "NetworkPolicy")
    for one, (labels, ports) in PODS.items():
        namespace, _, name = one.partition("/")
        yield pod(namespace, name, ports, **labels)


@pytest.fixture(scope="module")
def reached(tmp_path_factory):
    return reachable(judge(), cluster(), tmp_path_factory.mktemp("judge"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_pod_reaches_whom_the_matrix_says_and_nobody_else(reached, row):
    source = full(row[0])
    pairs = {target: reached.get((source, full(target)), set()) for target in HEADER[1:] if full(target) != source}
    expected = {target: cell for target, cell in zip(HEADER[1:], row[1:], strict=True) if full(target) != source}
    assert {target: shown(ports) for target, ports in pairs.items()} == expected


def test_from_outside_of_the_cluster_only_served_ports_are_reached(reached):
    into = {
        target: ports for (source, target), ports in reached.items() if source == "0.0.0.0/0" and "-test/" in target
    }
    assert into == {f"{namespace}-test/model": {8000} for namespace in ("fraud", "fraud-train", "ingest")}


def test_out_of_the_cluster_leads_what_is_named_and_the_nodes_own_dns(reached):
    out = {
        (source, target): ports
        for (source, target), ports in reached.items()
        if "-test/" in source and "/" in target and target[0].isdigit()
    }
    named = {target: ports for (source, target), ports in out.items() if source == "fraud-test/worker"}
    assert named == {"10.20.0.0/16": {5432}, "169.254.20.10/32": {53}}
    assert {target for (source, target) in out if not source.startswith("fraud-test/")} == {"169.254.20.10/32"}


def test_everybody_can_resolve_names(reached):
    for namespace in NAMESPACES:
        assert reached[f"{namespace}/worker", "kube-system/dns"] == {53}


def test_the_judge_sees_a_wall_that_is_missing(tmp_path):
    """The control: without the denial, another team gets in everywhere."""
    open_walls = [one for one in cluster() if one["metadata"]["name"] != "deny-all"]
    open_walls = [
        one for one in open_walls if one["metadata"].get("namespace") != "ingest-test" or one["kind"] == "Pod"
    ]
    reached = reachable(judge(), open_walls, tmp_path)
    assert reached["default/stranger", "ingest-test/worker"] == ALL
