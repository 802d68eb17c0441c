"""Karpenter on a real API server with the real scheduler; kwok plays the kubelets of the nodes that it brings."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from control_planes import simulated
from go_modules import download
from tenants import manifests

from sandbox.cluster.simulated import NodeShape
from sandbox.cluster.users import user_kubeconfig
from sandbox.tools import ToolError, provide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.cluster.control_plane import ControlPlane

MODULE = "sigs.k8s.io/karpenter@v1.12.0"
POOL = "ml-platform/node-pool"
# Of each pool's nodes, how many may be going at once.
BUDGET = "50%"
STACK = f"""
config:
  ml-platform:environment: test
  ml-platform:registry: registry.example.com/ml
  ml-platform:cluster:
    provider: existing
    context: sandbox
    nodePools:
      general: {{instance: m-8, allocatable: {{cpu: 7900m, memory: 31Gi}}, max: 6}}
      ready: {{instance: m-8, allocatable: {{cpu: 7900m, memory: 31Gi}}, max: 3}}
      gpu:
        instance: g-8
        allocatable: {{cpu: 31900m, memory: 127Gi}}
        accelerators: {{nvidia.com/gpu: 8}}
        taints: ["nvidia.com/gpu=present:NoSchedule"]
        max: 13
  ml-platform:teams: {{}}
  ml-platform:autoscaler:
    kind: karpenter
    image: karpenter@sha256:{"a" * 64}
    karpenter:
      nodeClass: {{group: karpenter.kwok.sh, kind: KWOKNodeClass}}
      disruption: {{budgets: [{{nodes: {BUDGET}}}]}}
  ml-platform:headroom:
    image: pause@sha256:{"b" * 64}
    pools: {{ready: {{pods: 2, cpu: 3500m, memory: 1Gi}}}}
"""


def machine(name: str, **resources: str) -> dict[str, Any]:
    """Return a kind of machine as the kwok provider reads it."""
    where = {"karpenter.sh/capacity-type": "on-demand", "topology.kubernetes.io/zone": "zone-a"}
    requirements = [{"key": key, "operator": "In", "values": [value]} for key, value in where.items()]
    offering = {"Price": 1.0, "Available": True, "Requirements": requirements}
    return {
        "name": name,
        "offerings": [offering],
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": {
            "pods": "110",
            "ephemeral-storage": "100Gi",
            **{k.replace("gpu", "nvidia.com/gpu"): v for k, v in resources.items()},
        },
    }


MACHINES = [machine("m-8", cpu="8", memory="32Gi"), machine("g-8", cpu="32", memory="128Gi", gpu="8")]


class Nodes:
    """The pods of a namespace, and the nodes that come and go for them."""

    def __init__(self, plane: ControlPlane, headroom: dict[str, Any]) -> None:
        self.api = plane.api
        self._processes = plane.processes
        self._headroom = headroom
        # As a team's own.
        metadata = {"name": "work", "labels": {"ml-platform/environment": "test"}}
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def keep_room(self, pods: int | None = None) -> None:
        """Declare the room that the stack keeps, or with `pods` another number of them."""
        spec = self._headroom["spec"]
        self.api.apply({**self._headroom, "spec": spec if pods is None else {**spec, "replicas": pods}})

    def keeping(self) -> list[str]:
        """Name the nodes on which room is kept now."""
        label = "app.kubernetes.io%2Fname%3Dheadroom-test-ready"
        pods = self.api.get(f"/api/v1/namespaces/kube-system/pods?labelSelector={label}")["items"]
        return [pod["spec"]["nodeName"] for pod in pods if pod["status"].get("phase") == "Running"]

    def deploy(self, name: str, pool: str, replicas: int, **resources: str) -> None:
        """Ask for so many pods on a pool's nodes, or for another number."""
        amounts = {key.replace("gpu", "nvidia.com/gpu"): amount for key, amount in resources.items()}
        container = {"name": "c", "image": "i", "resources": {"requests": amounts, "limits": amounts}}
        spec = {
            "nodeSelector": {POOL: pool},
            "tolerations": [{"operator": "Exists"}],
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
        }
        labels = {"app": name}
        body = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
        metadata = {"name": name, "namespace": "work"}
        self.api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body})

    def train(self, name: str, pool: str) -> None:
        """Run a Job of one small pod; on a simulated node it ends at once."""
        spec = {"nodeSelector": {POOL: pool}, "containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        metadata = {"name": name, "namespace": "work"}
        self.api.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}})

    def remember(self, name: str, pool: str, **requests: str) -> None:
        """Run a StatefulSet of one pod."""
        container = {"name": "c", "image": "i", "resources": {"requests": requests}}
        spec = {"nodeSelector": {POOL: pool}, "containers": [container], "terminationGracePeriodSeconds": 0}
        labels = {"app": name}
        body = {
            "replicas": 1,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
        metadata = {"name": name, "namespace": "work"}
        self.api.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": body})

    def pods(self, name: str) -> list[dict[str, Any]]:
        return self.api.get(f"/api/v1/namespaces/work/pods?labelSelector=app%3D{name}")["items"]

    def running(self, name: str) -> int:
        return sum(pod["status"].get("phase") == "Running" for pod in self.pods(name))

    def of(self, pool: str) -> list[dict[str, Any]]:
        return self.api.get(f"/api/v1/nodes?labelSelector={POOL.replace('/', '%2F')}%3D{pool}")["items"]

    def without(self, pool: str, *deployments: str) -> None:
        """Begin with no node in a pool, whatever an attempt before this one has left."""
        for name in deployments:
            self.api.delete(f"/apis/apps/v1/namespaces/work/deployments/{name}?propagationPolicy=Background")
        self.eventually(lambda: not self.of(pool), within=240, what=f"no node of {pool} is left")

    def eventually(self, holds: Callable[[], Any], *, within: float, what: str) -> float:
        """Wait until it holds, and return after how many seconds it did."""
        began = time.monotonic()
        while not holds():
            waited = time.monotonic() - began
            assert waited < within, f"not within {within:.0f} s: {what}"
            if not self._processes.alive("karpenter-kwok"):
                # As a kubelet would: on a busy machine it loses its lease, and ends.
                print("karpenter has ended and is started again:", self._processes.tail("karpenter-kwok", 3))
                self._processes.restart("karpenter-kwok")
            time.sleep(0.25)
        return time.monotonic() - began


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    # A node that takes nothing: what is pending stays so until somebody brings another.
    shapes = [NodeShape(name="full", count=1, taints=["full=true:NoSchedule"])]
    with simulated(tmp_path_factory.mktemp("plane"), shapes=shapes) as plane:
        yield plane


@pytest.fixture(scope="session")
def nodes(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Karpenter as the account that is declared for it, with the pools that are declared: its rights are part of it."""
    source = download(MODULE)
    try:
        program = provide(["karpenter-kwok"], report=print)["karpenter-kwok"].path
    except ToolError as error:
        pytest.skip(f"no Karpenter on this machine: {error}")
    if source is None:
        pytest.skip("no Karpenter on this machine: its definitions are not to be had")
    objects = manifests(STACK)
    declare(plane, source, objects)
    directory = tmp_path_factory.mktemp("karpenter")
    (directory / "machines.json").write_text(json.dumps(MACHINES))
    admin = json.loads(plane.kubeconfig.read_text())
    subject = "serviceaccount:kube-system/karpenter"
    own = user_kubeconfig(admin, subject, api=plane.api, authority=plane.authority, group=None, namespace=None)
    (directory / "kubeconfig").write_text(json.dumps(own))
    # Outside of a pod it cannot know its namespace; all else is what its Deployment says.
    options = [*arguments(objects), "--leader-election-namespace=kube-system"]
    options += ["--metrics-port=0", "--health-probe-port=0"]
    environment = {
        "KUBECONFIG": str(directory / "kubeconfig"),
        "KARPENTER_SERVICE": "karpenter",
        "SYSTEM_NAMESPACE": "kube-system",
        "INSTANCE_TYPES_FILE_PATH": str(directory / "machines.json"),
    }
    plane.processes.start("karpenter-kwok", [program, *options], environment=environment)
    try:
        [headroom] = [each for each in objects if each["metadata"]["name"].startswith("headroom-test-")]
        yield Nodes(plane, headroom)
    finally:
        print(plane.processes.tail("karpenter-kwok", 40))
        plane.processes.stop_all(["karpenter-kwok"])


def arguments(objects: list[dict[str, Any]]) -> list[str]:
    [deployment] = [each for each in objects if (each["kind"], each["metadata"]["name"]) == ("Deployment", "karpenter")]
    return deployment["spec"]["template"]["spec"]["containers"][0]["args"]


def declare(plane: ControlPlane, source: Path, objects: list[dict[str, Any]]) -> None:
    """Apply Karpenter's kinds, one class of machines, and what the program declares; but not the controller's pod."""
    kinds = [*(source / "pkg/apis/crds").glob("*.yaml"), *(source / "kwok/apis/crds").glob("*.yaml")]
    for path in kinds:
        definition = yaml.safe_load(path.read_text())
        plane.api.apply(definition, timeout=30)
        spec = definition["spec"]
        served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}"
        wait_for(lambda at=f"{served}/{spec['names']['plural']}": plane.api.request("GET", at)[0] == 200)
    metadata = {"name": "default"}
    apply(
        plane, {"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": metadata, "spec": {}}
    )
    for manifest in objects:
        if manifest["kind"] != "Deployment":  # the controller, which runs outside; and room, which a test keeps
            apply(plane, manifest)


def apply(plane: ControlPlane, manifest: dict[str, Any]) -> None:
    if manifest["kind"].endswith("NodeClass"):
        path = f"/apis/{manifest['apiVersion']}/{manifest['kind'].lower()}es/default?fieldManager=test"
        status, body = plane.api.request("PATCH", path, manifest, content_type="application/apply-patch+yaml")
        assert status < 300, body
    else:
        plane.api.apply(manifest)


def wait_for(look: Callable[[], Any], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.1)
