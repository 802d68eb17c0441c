"""Simulated nodes: kwok plays their kubelets, so that pods are scheduled and become ready but run nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import answers
from sandbox.cluster.ports import remembered_ports
from sandbox.cluster.rbac import READ, rights
from sandbox.cluster.readiness import node_is_ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.cluster.control_plane import ControlPlane
    from sandbox.process import ProcessStatus, Report

__all__ = ["DEFAULT_SHAPES", "NodeShape", "SimulatedNodes", "node_manifests"]

TIMEOUT = 30.0
# Pods get addresses of the range that RFC 2544 keeps for tests of devices: they look like no real pod's.
POD_RANGE = "198.18.0.0/15"
STAGES = Path(__file__).with_name("stages.yaml")


@dataclass(frozen=True, kw_only=True)
class NodeShape:
    """Nodes of one kind: how many, how large, and how they are marked.

    Quantities are Kubernetes' (`cpu="4"`, `memory="16Gi"`, `extended={"nvidia.com/gpu": "1"}`); taints are written
    `key=value:effect`, as in `kubectl taint`.
    """

    name: str = "simulated"
    count: int = 1
    cpu: str = "4"
    memory: str = "16Gi"
    pods: int = 110
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[str] = ()
    extended: Mapping[str, str] = field(default_factory=dict)


# Two, so that what spreads over nodes or drains one can be seen; each holds the example model and its switch.
DEFAULT_SHAPES = (NodeShape(count=2),)


class SimulatedNodes:
    """kwok and the nodes that it plays; it is among the control plane's `binaries`."""

    def __init__(self, plane: ControlPlane, *, shapes: Sequence[NodeShape] = DEFAULT_SHAPES, report: Report) -> None:
        self._plane = plane
        self._shapes = shapes
        self._report = report

    @property
    def names(self) -> list[str]:
        """The names of the processes."""
        return ["kwok"]

    def start(self) -> None:
        """Start kwok, declare the nodes and wait until all are ready."""
        plane = self._plane
        api = plane.api
        user = "sandbox:kwok"
        for manifest in rights(user, _rules()):
            api.apply(manifest)
        kubeconfig = plane.write_kubeconfig("kwok", user)
        plane.processes.start(
            "kwok",
            [
                plane.binaries["kwok"],
                f"--kubeconfig={kubeconfig}",
                f"--config={STAGES}",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                f"--cidr={POD_RANGE}",
                f"--node-ip={plane.address}",
                f"--server-address={plane.address}:{self._port}",
                # Heartbeats by lease, as real nodes send them; 40 s is the kubelet's own default.
                "--node-lease-duration-seconds=40",
            ],
        )
        manifests = [manifest for shape in self._shapes for manifest in node_manifests(shape)]
        for manifest in manifests:
            api.apply(manifest)
            api.apply(manifest, subresource="status")
        names = [manifest["metadata"]["name"] for manifest in manifests]
        plane.processes.wait(
            "kwok",
            lambda: all(node_is_ready(api, name) for name in names),
            timeout=TIMEOUT,
            report=self._report,
            what="the simulated nodes",
        )

    def stop(self) -> None:
        """Stop kwok; the nodes stay in the API server's data."""
        self._plane.processes.stop_all(self.names)

    def status(self) -> list[ProcessStatus]:
        """Tell how kwok is."""
        return [
            self._plane.processes.status("kwok", lambda: answers(self._plane.address, self._port, "/healthz")),
        ]

    @property
    def _port(self) -> int:
        return remembered_ports(self._plane.directory / "ports.json", ["kwok"], self._plane.address)["kwok"]


def node_manifests(shape: NodeShape) -> list[dict[str, Any]]:
    """Give the nodes of a kind, as kwok takes them for its own; their status is a write of its own."""
    capacity = {"cpu": shape.cpu, "memory": shape.memory, "pods": str(shape.pods), **shape.extended}
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"{shape.name}-{number}",
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {
                    "kubernetes.io/hostname": f"{shape.name}-{number}",
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    "ml-platform/nodes": "simulated",
                    **shape.labels,
                },
            },
            "spec": {"taints": [_taint(text) for text in shape.taints]} if shape.taints else {},
            "status": {"capacity": capacity, "allocatable": capacity},
        }
        for number in range(1, shape.count + 1)
    ]


def _taint(text: str) -> dict[str, str]:
    pair, _, effect = text.partition(":")
    key, _, value = pair.partition("=")
    return {"key": key, "value": value, "effect": effect}


def _rules() -> list[dict[str, Any]]:
    return [
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": [*READ, "update", "patch", "delete"]},
        {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["update", "patch"]},
        {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "update", "patch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": [*READ, "create", "update", "patch", "delete"],
        },
    ]
