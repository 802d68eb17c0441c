"""The example model as it is served: trained by its own command, answering in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

IRIS = Path(__file__).parents[2] / "examples" / "iris"
START_SECONDS = 60


def module(name: str):
    spec = importlib.util.spec_from_file_location(f"iris_{name}", IRIS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # pydantic resolves the annotations of models in their module
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="session")
def iris() -> Path:
    return IRIS


@pytest.fixture(scope="session")
def train():
    return module("train")


@pytest.fixture(scope="session")
def server_module():
    return module("server")


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """The directory of each version's model, made by the command that the Dockerfile runs."""
    made = {}
    for version in ("1", "2"):
        made[version] = tmp_path_factory.mktemp(f"model-{version}")
        command = [sys.executable, IRIS / "train.py", "--version", version, "--output", made[version]]
        subprocess.run(command, check=True, capture_output=True)
    return made


@dataclass
class Server:
    process: subprocess.Popen
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, method: str, path: str, body: object = None, connection: http.client.HTTPConnection | None = None):
        """Return status, headers and text of an answer."""
        used = connection or self.connect()
        text = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        used.request(method, path, body=text, headers={"content-type": "application/json"})
        answer = used.getresponse()
        content = answer.read().decode()
        if connection is None:
            used.close()
        return answer.status, answer.headers, content


@pytest.fixture(scope="session")
def serve(models):
    """Start servers; each is ended when the session is, if it has not ended before."""
    started: list[subprocess.Popen] = []

    def start(version: str = "1", *, program: Path = IRIS / "server.py", **settings: str) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "MODEL_DIRECTORY": str(models[version])}
        process = subprocess.Popen([sys.executable, program], env={**environment, **settings})
        started.append(process)
        server = Server(process, port)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                assert server.ask("GET", "/readyz")[0] == 200
                return server
            time.sleep(0.05)
        raise AssertionError(f"the server did not start; exit code {process.poll()}")

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def server(serve) -> Server:
    return serve()
