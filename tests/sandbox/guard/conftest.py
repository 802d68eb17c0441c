"""The guard against a real API server with its controllers, and pods that kwok plays: a model of two slots in a
namespace of its own for every test."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import secrets
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from control_planes import simulated
from project import Stack

from infra.guard import DeclaredModel, DeclaredSlot, Gate
from infra.observed import ApiServer, load_access, observe
from sandbox.cluster.gateway_api import install_gateway_api
from sandbox.cluster.simulated import NodeShape
from sandbox.tools import ToolError, provide
from sandbox.tools.gateway_api import provide_gateway_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infra.observed import ModelSeen, Observed
    from sandbox.cluster.api import Api
    from sandbox.cluster.control_plane import ControlPlane

ONE, TWO, OTHER = (f"registry.example.com/iris@sha256:{digit * 64}" for digit in "129")
IMAGES = {"blue": ONE, "green": TWO}


class Flowers:
    """A namespace with model `iris`: blue and green slots, the routing Service on blue unless said otherwise."""

    images = IMAGES

    def __init__(self, api: Api, kubeconfig: Path) -> None:
        self.api = api
        self.namespace = f"flowers-{secrets.token_hex(3)}"
        self.server = ApiServer(load_access(str(kubeconfig)))
        self.lines: list[str] = []
        self.create(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        )
        # Pods are refused until the controller manager has made it.
        self.eventually(lambda: self.get("serviceaccounts/default"))

    # -- the cluster -------------------------------------------------------------------------------------------------
    def path(self, rest: str, group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self.namespace}/{rest}"

    def get(self, rest: str, group: str = "/api/v1") -> Any:
        return self.api.get(self.path(rest, group))

    def create(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("PATCH", path, body, "application/merge-patch+json")

    def _send(self, method: str, path: str, body: dict[str, Any], kind: str = "application/json") -> Any:
        status, answer = self.api.request(method, path, body, content_type=kind)
        assert status < 300, answer.decode()
        return json.loads(answer)

    def eventually(self, look: Callable[[], Any], within: float = 30.0) -> Any:
        deadline = time.monotonic() + within
        while not (seen := look()):
            assert time.monotonic() < deadline, f"not within {within} s"
            time.sleep(0.05)
        return seen

    # -- the model ---------------------------------------------------------------------------------------------------
    def labels(self, slot: str) -> dict[str, str]:
        return {"app.kubernetes.io/name": "iris", "ml-platform/slot": slot}

    def deployment(self, slot: str) -> str:
        return self.path(f"deployments/iris-{slot}", "/apis/apps/v1")

    def deploy(
        self, slot: str, *, replicas: int, image: str | None = None, ready: bool = True, port: int = 8080
    ) -> None:
        labels = self.labels(slot)
        annotations = {} if ready else {"sandbox.ml-platform/ready": "false"}
        resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
        ports = [{"name": "http", "containerPort": port}]
        container = {"name": "model", "image": image or IMAGES[slot], "resources": resources, "ports": ports}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"iris-{slot}", "labels": labels, "annotations": {"ml-platform/content": f"c-{slot}"}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": annotations},
                    "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
                },
            },
        }
        self.create(self.path("deployments", "/apis/apps/v1"), body)

    def route(self, slot: str, *, name: str = "iris") -> None:
        spec = {"selector": self.labels(slot), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        self.create(self.path("services"), service)

    def limit(self, **hard: str) -> None:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard}}
        self.create(self.path("resourcequotas"), quota)
        self.eventually(lambda: (self.get("resourcequotas/team").get("status") or {}).get("used"))

    def pods(self, slot: str) -> list[dict[str, Any]]:
        selector = f"app.kubernetes.io%2Fname%3Diris%2Cml-platform%2Fslot%3D{slot}"
        return self.get(f"pods?labelSelector={selector}")["items"]

    def running(self, slot: str, replicas: int) -> None:
        """Wait until so many pods run, as far as kwok lets them."""
        self.eventually(lambda: sum(p["status"].get("phase") == "Running" for p in self.pods(slot)) == replicas)
        self.eventually(lambda: (self.api.get(self.deployment(slot))["status"].get("replicas") or 0) == replicas)

    def fail(self, slot: str, waiting: dict[str, str], *, restarts: int) -> None:
        """Write into every pod of a slot what a kubelet would write of a container that does not start."""
        for pod in self.pods(slot):
            container = {
                "name": "model",
                "image": pod["spec"]["containers"][0]["image"],
                "imageID": "",
                "ready": False,
                "restartCount": restarts,
                "state": {"waiting": waiting},
            }
            if restarts:
                container["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no such file"}}
            conditions = [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}]
            status = {"containerStatuses": [container], "conditions": conditions}
            self.patch(self.path(f"pods/{pod['metadata']['name']}/status"), {"status": status})
        self.eventually(lambda: not self.api.get(self.deployment(slot))["status"].get("readyReplicas"))

    def selector(self) -> dict[str, str]:
        return self.get("services/iris")["spec"]["selector"]

    # -- the guard ---------------------------------------------------------------------------------------------------
    def observed(self) -> Observed:
        return observe(self.server, {"iris": self.namespace})

    def seen(self) -> ModelSeen:
        return self.observed().model("iris")

    def declared(self, **changes: Any) -> DeclaredModel:
        requests = {"requests.cpu": "100m", "requests.memory": "64Mi"}
        slots = {
            "blue": DeclaredSlot(version="1", image=ONE, content="c-blue", requests=requests),
            "green": DeclaredSlot(version="2", image=TWO, content="c-green", requests=requests),
        }
        model = DeclaredModel(
            name="iris",
            namespace=self.namespace,
            active="green",
            minimum=2,
            maximum=10,
            soak=timedelta(minutes=10),
            slots=slots,
        )
        return replace(model, **changes)

    def pass_gate(
        self, model: DeclaredModel | None = None, *, size: int = 2, deadline: float = 60.0, dry_run: bool = False
    ) -> list[str]:
        """Ask the gate as the engine does before it updates the routing Service; give the progress lines."""
        model = model or self.declared()
        gate = Gate(
            model=model,
            seen=self.seen(),
            sizes={"blue": size, "green": size},
            connect=lambda: self.server,
            deadline=lambda _: deadline,
            report=self.lines.append,
            dry_run=lambda: dry_run,
        )
        old = {"spec": {"selector": self.labels("blue" if model.active == "green" else "green")}}
        new = {"spec": {"selector": self.labels(model.active)}}
        exists = self.get("services/iris") is not None
        asyncio.run(gate(pulumi.ResourceHookArgs("urn", "id", "iris", "type", new, old if exists else None)))
        return self.lines


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with simulated(tmp_path_factory.mktemp("plane"), shapes=[NodeShape(cpu="64", count=1)]) as plane:
        yield plane


@pytest.fixture(scope="session")
def gateway_api(plane: ControlPlane) -> None:
    """Gateways and routes as kinds of the API server; nothing serves them."""
    try:
        definitions = provide_gateway_api(report=print)
    except ToolError as error:
        pytest.skip(f"no Gateway API on this machine: {error}")
    install_gateway_api(plane.api, definitions)


@pytest.fixture
def flowers(plane: ControlPlane) -> Iterator[Flowers]:
    flowers = Flowers(plane.api, plane.kubeconfig)
    yield flowers
    plane.api.delete(f"/api/v1/namespaces/{flowers.namespace}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that gives up what rarely passes after two seconds, and looks more often."""
    monkeypatch.setattr("infra.guard.wait.PATIENCE", 2.0)
    monkeypatch.setattr("infra.guard.wait.INTERVAL", 0.2)


@pytest.fixture
def backend() -> Iterator[tuple[str, int, list[Any]]]:
    """A server that answers as a model does, where the API server's proxy may reach it: address, port, bodies.

    The proxy refuses loopback, so it listens on the machine's own address, for the seconds of one test.
    """
    asked: list[Any] = []

    class Predict(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            if self.path == "/slow":
                time.sleep(3)
            body = json.dumps({"version": "2", "classes": ["setosa"]}).encode()
            self.send_response(503 if self.path == "/broken" else 200)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer((_own_address(), 0), Predict)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield (*server.server_address, asked)
    server.shutdown()
    server.server_close()


def _own_address() -> str:
    # Connecting a datagram socket sends nothing; it only asks the kernel which address would be used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            pytest.skip("this machine has no address but loopback, which the API server's proxy refuses")


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def engine():
    try:
        return str(provide(["pulumi"], report=print)["pulumi"].path)
    except ToolError as error:
        pytest.skip(f"no engine on this machine: {error}")


@pytest.fixture
def stack(tmp_path, engine, plane):
    stack = Stack(tmp_path, engine, plane)
    first = stack.up()
    assert "iris: blue 0 → 2 first, then 100 % to version 1 (first deployment)" in first
    yield stack
    plane.api.delete(f"/api/v1/namespaces/{stack.namespace}")
