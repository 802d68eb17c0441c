"""The same stack on a small cluster and on a large one: what nodes and pods of others cost it, and what they weigh."""

from __future__ import annotations

import secrets
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from control_planes import simulated
from project import Stack

from sandbox.cluster.simulated import NodeShape, node_manifests
from sandbox.tools import provide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.cluster import ControlPlane
    from sandbox.cluster.api import Api

__all__ = ["measure_crowd"]

FEW, MANY = 10, 1000
PODS_A_NODE = 10
# Node manifests and pods are made by this many at a time: more and the API server's own limits answer.
AT_ONCE = 16
MIB = 1024**2
# What ten thousand new pods leave to do for controllers, on the cores that the `up` runs on.
SETTLE = 30


def measure_crowd(*, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return a row a size of cluster: seconds of an `up`, of one that changes nothing, of a switch; and MiB."""
    engine = str(provide(["pulumi"], report=say)["pulumi"].path)
    rows = []
    with tempfile.TemporaryDirectory(prefix="ml-platform-crowd-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        with simulated(directory / "plane", shapes=[NodeShape(cpu="64", memory="256Gi", count=FEW)]) as plane:
            rows.append(_row(plane, Stack(directory / "few", engine, plane), FEW, 0, rounds))
            say(f"{FEW} nodes: up {rows[-1]['up']:.1f} s; now {MANY} nodes with {MANY * PODS_A_NODE:,} pods")
            pods = _fill(plane)
            rows.append(_row(plane, Stack(directory / "many", engine, plane), MANY, pods, rounds))
    return rows


def _row(plane: ControlPlane, stack: Stack, nodes: int, pods: int, rounds: int) -> dict[str, Any]:
    took: dict[str, list[float]] = {"up": [], "same": [], "switch": []}
    with _watched(plane) as peaks:
        for _ in range(rounds):
            took["up"].append(_seconds(stack.up))
            took["same"].append(_seconds(stack.up))
            stack.model["active"] = "green"
            took["switch"].append(_seconds(stack.up))
            stack.model["active"] = "blue"
            stack.run("destroy", "--yes", "--skip-preview")
    medians = {way: statistics.median(seconds) for way, seconds in took.items()}
    return {"nodes": nodes, "pods": pods, **medians, "memory": dict(sorted(peaks.items()))}


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _fill(plane: ControlPlane) -> int:
    """Add nodes, and pods that stand on them already: who places them is not what is measured."""
    api = plane.api
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "crowd"}})
    nodes = node_manifests(NodeShape(name="crowd", count=MANY - FEW))
    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(lambda node: (api.apply(node), api.apply(node, subresource="status")), nodes))
        names = [node["metadata"]["name"] for node in nodes] * PODS_A_NODE
        missing = MANY * PODS_A_NODE - len(names)
        names += names[:missing]
        list(workers.map(lambda node: _pod(api, node), names))
    deadline = time.monotonic() + 600
    while api.get("/api/v1/namespaces/crowd/pods?fieldSelector=status.phase%21%3DRunning&limit=1")["items"]:
        if time.monotonic() > deadline:
            raise TimeoutError("not all pods of the crowd run")
        time.sleep(2)
    time.sleep(SETTLE)
    return len(names)


def _pod(api: Api, node: str) -> None:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    spec = {"nodeName": node, "containers": [container], "automountServiceAccountToken": False}
    metadata = {"name": f"crowd-{secrets.token_hex(6)}", "labels": {"app": "crowd"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    status, answer = api.request("POST", "/api/v1/namespaces/crowd/pods", pod)
    if status >= 300:
        raise RuntimeError(answer.decode())


@contextmanager
def _watched(plane: ControlPlane) -> Iterator[dict[str, int]]:
    """Note the most memory that each process has meanwhile, in MiB of resident set."""
    peaks: dict[str, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            for process in psutil.Process().children(recursive=True):
                try:
                    name, size = _called(process), process.memory_info().rss // MIB
                except psutil.Error:
                    continue
                peaks[name] = max(peaks.get(name, 0), size)
            for name in plane.processes.names():
                record = plane.processes.record(name)
                if record is not None and psutil.pid_exists(record.pid):
                    peaks[name] = max(peaks.get(name, 0), psutil.Process(record.pid).memory_info().rss // MIB)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _called(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    for part, name in (
        ("plugins.kubernetes", "provider"),
        ("plugins.docker", "docker provider"),
        ("language_python/program", "program"),
        ("language", "language host"),
        ("pulumi", "pulumi"),
    ):
        if part in words:
            return name
    return process.name()
