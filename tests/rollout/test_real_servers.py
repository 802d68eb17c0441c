"""Whole rollouts between processes of the example model, under real requests.

Real: the servers, their metrics, the source that scrapes them, judgement, walk and time. Not here: the engine, whose
configuration is a dictionary that the requests obey, and the API server, of which a small proxy stands in. Both are
real in tests/e2e/test_tolerant_rollout.py, where pods run.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console
from rollouts import Engine

from infra.observed import ApiServer
from infra.observed.kubeconfig import Access
from infra.settings.analysis import Analysis
from rollout.ended import Ended
from rollout.figures import wanted
from rollout.metrics.pods import PodMetrics
from rollout.show import Show
from rollout.stopping import Stopping
from rollout.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

IRIS = Path(__file__).parents[2] / "examples" / "iris"
FAULTS = Path(__file__).parents[1] / "support" / "faults.py"
QUESTION = json.dumps({"features": [[5.1, 3.5, 1.4, 0.2]]})
ANALYSIS = {
    "steps": [20, 50, 100],
    "window": "3s",
    "interval": "1s",
    "requests": 5,  # a busy machine answers some ten a second
    "latency": {"slack": "250ms"},
    "metrics": {"prediction_probability": {"min": 0.6}},
}


class Pods:
    """Two processes a slot, and a proxy that answers as the API server does."""

    def __init__(self, model: Path, faults: dict[str, str]) -> None:
        self.ports: dict[str, int] = {}
        self.processes: list[subprocess.Popen] = []
        for slot, program, settings in (("blue", IRIS / "server.py", {}), ("green", FAULTS, faults)):
            for number in (1, 2):
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = free.getsockname()[1]
                own = {"HOST": "127.0.0.1", "PORT": str(port), "MODEL_DIRECTORY": str(model), "PYTHONPATH": str(IRIS)}
                self.processes.append(
                    subprocess.Popen([sys.executable, program], env={**os.environ, **own, **settings})
                )
                self.ports[f"iris-{slot}-{number}"] = port

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        for port in self.ports.values():
            while True:
                with contextlib.suppress(OSError):
                    self.ask(port, "GET", "/readyz")
                    break
                assert time.monotonic() < deadline, "a server did not start"
                time.sleep(0.1)

    def ask(self, port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def of(self, slot: str) -> list[str]:
        return [name for name in self.ports if name.startswith(f"iris-{slot}-")]

    def proxied(self, path: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path.endswith("/pods"):
            slot = parse_qs(parts.query)["labelSelector"][0].rpartition("=")[2]
            return 200, json.dumps({"items": [manifest(name) for name in self.of(slot)]}).encode()
        name = parts.path.split("/")[-3].partition(":")[0]
        return self.ask(self.ports[name], "GET", "/metrics")

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)


def manifest(name: str) -> dict:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []}
    return {"metadata": {"name": name, "uid": name}, "status": status}


class Users:
    """Ask for predictions without a pause, of the slot that configuration and chance decide, and count the answers.

    Several at a time: one alone would send a slow version next to nothing, and be waiting for it most of the time.
    """

    NUMBER = 4

    def __init__(self, pods: Pods, engine: Engine) -> None:
        self.pods, self.engine, self.over = pods, engine, threading.Event()
        self.good = self.bad = 0
        self.counting = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(seed,), daemon=True) for seed in range(self.NUMBER)]
        for thread in self.threads:
            thread.start()

    def ask(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.over.is_set():
            active = self.engine.live["active"]
            share = int(self.engine.live["canary.percent"])
            slot = {"blue": "green", "green": "blue"}[active] if chance.random() * 100 < share else active
            port = self.pods.ports[chance.choice(self.pods.of(slot))]
            status, body = self.pods.ask(port, "POST", "/predict", QUESTION)
            good = status == 200 and b"setosa" in body
            with self.counting:
                self.good += good
                self.bad += not good

    def leave(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(30)


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    model = tmp_path_factory.mktemp("model")
    command = [sys.executable, IRIS / "train.py", "--version", "1", "--output", model]
    subprocess.run(command, check=True, capture_output=True)
    return model


@pytest.fixture
def rolled_out(trained, target):
    """Roll a version with these faults out, and return how that ended, what was printed and what users got."""

    @contextlib.contextmanager
    def front(pods: Pods) -> Iterator[str]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = pods.proxied(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()

    def run(faults: dict[str, str], **analysis: object) -> tuple[Ended, str, Users, Engine]:
        judged = Analysis.model_validate({**ANALYSIS, **analysis})
        chosen = replace(target, model="iris", analysis=judged)
        engine = Engine(model="iris", configuration={"canary.percent": "0", "active": "blue"})
        engine.live = dict(engine.configuration)
        screen = io.StringIO()
        pods = Pods(trained, faults)
        try:
            pods.wait()
            with front(pods) as url:
                source = PodMetrics(
                    api=ApiServer(Access(server=url, context="test")),
                    namespace="research",
                    model="iris",
                    ports={"blue": 8080, "green": 8080},
                    path="/metrics",
                    names=wanted(judged),
                )
                show = Show(Console(file=screen, width=200))
                users = Users(pods, engine)
                walk = Walk(target=chosen, engine=engine, source=source, show=show, stopping=Stopping())
                ended = walk.run()
                users.leave()
        finally:
            pods.end()
        print(screen.getvalue())
        return ended, screen.getvalue(), users, engine

    return run


def test_a_version_that_is_as_good_gets_all_users(rolled_out):
    ended, printed, users, engine = rolled_out({})
    assert ended is Ended.DONE
    assert engine.live == {"active": "green", "canary.percent": "0"}
    assert printed.count("good: green") == 3
    assert users.bad == 0


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ({"FAULT_ERRORS": "0.3"}, r"green failed [\d.]+ % of its [\d,]+ requests; at most 1 % is allowed"),
        ({"FAULT_DELAY": "0.6"}, r"green answers 95 % of its requests within [\d.]+ m?s, blue within [\d.]+ m?s"),
        ({"FAULT_LABEL": "virginica"}, r"green's prediction_probability is 0.34; at least 0.6 is allowed"),
        ({"FAULT_SILENT": "1"}, r"no data: green answered 0 requests .* no http_requests_total"),
    ],
    ids=["fails", "slow", "nonsense", "silent"],
)
def test_a_version_that_is_worse_loses_its_users_with_the_reason(rolled_out, faults, why):
    ended, printed, _, engine = rolled_out(faults)
    assert ended is Ended.WENT_BACK
    assert engine.live == {"active": "blue", "canary.percent": "0"}
    assert engine.journal == ["canary.percent=20", "up", "canary.percent=0", "up"]
    assert re.search(why, printed)
