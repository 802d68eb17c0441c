"""A scheduler, an API server and nodes that are nothing but objects: a scheduler looks at nothing else.

No controller manager, which would taint nodes whose kubelets never speak; and none of kwok, which would only play them.
"""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster import ControlPlane
from sandbox.cluster.control_plane import BINARIES
from sandbox.tools import ToolError, provide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More only wait for each other: the test's own process is one thread at a time, the server has two cores.
CONNECTIONS = 6


class Server:
    """An API server to which many objects are sent at once, over connections that stay open."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._api = plane.api

    def send(self, objects: Iterable[tuple[str, dict[str, Any]]], *, method: str = "POST") -> Counter[int]:
        """Send each object to its path; return how often each status code was the answer.

        403 is a quota's; every other refusal is a mistake of the test.
        """
        waiting: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        codes: list[int] = []
        wrong: list[str] = []

        def send() -> None:
            connection = self._connect()
            while (one := waiting.get()) is not None:
                path, body = one
                connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = response.read()
                codes.append(response.status)
                if response.status >= 300 and response.status != 403:
                    wrong.append(f"{path}: {response.status} {answer.decode()[:300]}")
            connection.close()

        for one in objects:
            waiting.put(one)
        threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
        for thread in threads:
            waiting.put(None)
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        return Counter(codes)

    def list(self, path: str) -> list[dict[str, Any]]:
        connection = self._connect()
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        found = json.loads(response.read())["items"]
        connection.close()
        return found

    def start_scheduler(self) -> None:
        plane = self.plane
        # Its own limit of 50 requests a second is for clusters that others use as well.
        argv = [*plane._servers.scheduler(), "--kube-api-qps=2000", "--kube-api-burst=4000"]
        plane.processes.start("kube-scheduler", argv)

    def _connect(self) -> http.client.HTTPSConnection:
        api = self._api
        return http.client.HTTPSConnection(api._host, api._port, timeout=60, context=api._context)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        tools = provide(BINARIES, report=print)
    except ToolError as error:
        pytest.skip(f"no control plane on this machine: {error}")
    plane = ControlPlane(
        tmp_path_factory.mktemp("plane"), {name: tool.path for name, tool in tools.items()}, controllers=False
    )
    plane.start()
    try:
        # The scheduler's own certificate is written with the controllers', which there are none of.
        plane.write_kubeconfig("kube-scheduler", "system:kube-scheduler")
        yield Server(plane)
    finally:
        plane.processes.stop_all(["kube-scheduler"])
        plane.stop()
