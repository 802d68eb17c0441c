"""kind, as far as it goes where no node image can be had: what is chosen, refused, and left behind."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from components.kind_cluster import config
from components.node_pool import NodePool, Taint
from sandbox.cluster import Cluster, ClusterError, Nodes, choose_nodes
from sandbox.cluster.kind import NODE_IMAGE, REGISTRY_IMAGE, kind_configuration, kind_obstacle
from sandbox.images import ensure_busybox
from sandbox.paths import Layout
from sandbox.tools import ToolError, provide

KIND = Nodes(kind="kind", why="a test")


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    monkeypatch.delenv("SANDBOX_NODES", raising=False)


@pytest.fixture
def users(engine, monkeypatch):
    """The test's engine, as the one that the user has."""
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    return engine


@pytest.fixture
def images(users, client):
    """Images under the names that kind needs: enough to be chosen, and no cluster."""
    busybox = client.images.get(ensure_busybox(users))
    for name in (NODE_IMAGE, REGISTRY_IMAGE):
        busybox.tag(name)
    yield
    for name in (NODE_IMAGE, REGISTRY_IMAGE):
        client.images.remove(name)
    client.networks.prune()  # kind's, whose bridge would outlive this engine


@pytest.fixture(scope="module")
def kind():
    try:
        return provide(["kind"], report=print)["kind"].path
    except ToolError as error:
        pytest.skip(f"no kind on this machine: {error}")


def test_without_an_engine_the_reason_names_where_one_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert kind_obstacle() == f"no Docker engine at unix://{tmp_path}/none.sock"
    choice = choose_nodes()
    assert choice.kind in {"real", "simulated"}
    assert "(no kind: no Docker engine at" in choice.why


def test_an_engine_that_cannot_have_the_node_image_is_told_in_seconds(users, client):
    assert not client.images.list(NODE_IMAGE), "this engine has kind's node image: nothing to refuse"
    began = time.monotonic()
    reason = kind_obstacle()
    if reason is None:
        pytest.skip("kind's node image can be pulled here")
    assert reason.startswith(f"image {NODE_IMAGE} is not there and cannot be pulled: ")
    assert time.monotonic() - began < 20
    assert NODE_IMAGE in choose_nodes().why


def test_an_engine_that_has_the_images_is_chosen(images):
    assert kind_obstacle() is None
    assert choose_nodes().kind == "kind"


def test_kind_reads_the_configuration_and_its_own_words_say_what_is_missing(kind, images, users, tmp_path):
    # The engine makes no networks, so that kind ends where it would begin to make containers.
    configuration = tmp_path / "kind.yaml"
    command = [kind, "create", "cluster", "--name", "mlp-test", "--config", configuration]
    command += ["--kubeconfig", tmp_path / "kubeconfig"]
    for wrong, written in ((False, kind_configuration()), (True, {**kind_configuration(), "noSuchKey": 1})):
        configuration.write_text(json.dumps(written))
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert ended.returncode != 0
        assert ("noSuchKey" in ended.stderr) == wrong, ended.stderr


def test_kind_reads_the_configuration_that_a_stack_of_provider_kind_makes(kind, tmp_path):
    taint = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")
    general = NodePool(name="general", instance="", least=2, most=2, zones=["a", "b"], labels={"example.com/x": "y"})
    written = config([general, NodePool(name="gpu", instance="", least=1, most=1, taints=[taint])])
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    command = [
        kind,
        "create",
        "cluster",
        "--name",
        "mlp-test",
        "--config",
        "-",
        "--kubeconfig",
        tmp_path / "kubeconfig",
    ]
    for wrong, document in ((False, written), (True, {**written, "noSuchKey": 1})):
        # It reads before it looks for an engine, so that none is needed to see whether it could.
        ended = subprocess.run(
            command, input=json.dumps(document), env=nowhere, capture_output=True, text=True, check=False, timeout=120
        )
        assert ended.returncode != 0
        assert ("unable to decode config" in ended.stderr) == wrong, ended.stderr


def test_a_cluster_that_cannot_be_made_is_an_error_with_the_reason_and_leaves_nothing(
    kind, images, users, client, tmp_path
):
    layout = Layout(root=tmp_path)
    layout.tools.mkdir()
    (layout.tools / "kind").symlink_to(kind)
    cluster = Cluster(layout, nodes=KIND, report=print)
    try:
        with pytest.raises(ClusterError, match=r"docker|kind create cluster failed"):
            cluster.start()
        assert [status.healthy for status in cluster.status()] == [False, False]
    finally:
        cluster.stop()
    assert [container.name for container in client.containers.list(all=True) if "mlp-" in container.name] == []
    assert not layout.kubeconfig.exists()


def test_kind_without_an_engine_is_refused_and_taken_down_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    cluster = Cluster(Layout(root=tmp_path), nodes=KIND, report=print)
    with pytest.raises(ClusterError, match="kind cannot make a cluster here: no Docker engine"):
        cluster.start()
    cluster.stop()
