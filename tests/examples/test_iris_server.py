from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[1] / "support" / "faults.py"
SETOSA = [5.1, 3.5, 1.4, 0.2]
VIRGINICA = [6.3, 3.3, 6.0, 2.5]


def test_each_version_answers_with_its_version(server, serve):
    for version, running in (("1", server), ("2", serve("2"))):
        status, _, text = running.ask("POST", "/predict", {"features": [SETOSA, VIRGINICA]})
        answer = json.loads(text)
        assert status == 200
        assert (answer["model"], answer["version"]) == ("iris", version)
        assert [prediction["label"] for prediction in answer["predictions"]] == ["setosa", "virginica"]
        assert all(0.5 < prediction["probability"] <= 1 for prediction in answer["predictions"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"features": [[5.1, 3.5, 1.4]]}, "features[0]: List should have at least 4 items"),
        ({"features": [SETOSA, [5.1, "wide", 1.4, 0.2]]}, "features[1][1]: Input should be a valid number"),
        ({"features": []}, "features: List should have at least 1 item"),
        ({"features": [SETOSA] * 1001}, "features: List should have at most 1000 items"),
        ({"feature": [SETOSA]}, "features: Field required; feature: Extra inputs are not permitted"),
        (b'{"features": [[5.1, 3.5, 1.4, NaN]]}', "features[0][3]: Input should be a finite number"),
        (b"setosa?", "body: not JSON"),
        (b"", "body: Field required"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(server, body, said):
    status, _, text = server.ask("POST", "/predict", body)
    assert status == 422
    assert said in json.loads(text)["error"]


def test_the_probes_answer(server):
    assert server.ask("GET", "/healthz")[0] == 200
    status, _, text = server.ask("GET", "/readyz")
    assert (status, json.loads(text)["version"]) == (200, "1")


def test_metrics_count_requests_and_predictions(serve):
    server = serve()
    for _ in range(3):
        server.ask("POST", "/predict", {"features": [SETOSA, VIRGINICA]})
    server.ask("POST", "/predict", {"features": []})
    server.ask("GET", "/wp-login.php")
    _, headers, text = server.ask("GET", "/metrics")
    assert headers["content-type"].startswith("text/plain")
    lines = text.splitlines()
    assert 'http_requests_total{path="/predict",status="200"} 3.0' in lines
    assert 'http_requests_total{path="/predict",status="422"} 1.0' in lines
    assert 'http_requests_total{path="other",status="404"} 1.0' in lines
    assert 'predictions_total{label="setosa"} 3.0' in lines
    assert 'model_info{model="iris",version="1"} 1.0' in lines
    assert "prediction_probability_count 6.0" in lines
    assert "wp-login" not in text


def test_a_prediction_that_fails_is_answered_and_counted_with_500(serve, iris):
    server = serve(program=FAULTS, PYTHONPATH=str(iris), FAULT_ERRORS="1")
    for _ in range(2):
        assert server.ask("POST", "/predict", {"features": [SETOSA]})[0] == 500
    _, _, text = server.ask("GET", "/metrics")
    assert 'http_requests_total{path="/predict",status="500"} 2.0' in text.splitlines()


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ({"FAULT_DELAY": "0.3"}, 'http_request_duration_seconds_bucket{le="0.25",path="/predict"} 0.0'),
        ({"FAULT_LABEL": "setosa"}, 'predictions_total{label="setosa"} 2.0'),
        ({"FAULT_SILENT": "1"}, "# nothing to tell"),
    ],
    ids=["slow", "nonsense", "silent"],
)
def test_each_fault_that_tests_of_rollouts_use_shows_in_the_metrics(serve, iris, fault, shown):
    server = serve(program=FAULTS, PYTHONPATH=str(iris), **fault)
    assert server.ask("POST", "/predict", {"features": [SETOSA, VIRGINICA]})[0] == 200
    _, _, text = server.ask("GET", "/metrics")
    assert shown in text.splitlines()


def test_a_connection_is_closed_with_an_answer_when_it_has_reached_its_age(serve):
    server = serve(CONNECTION_MAX_AGE="3")
    connection = server.connect()
    status, headers, _ = server.ask("GET", "/healthz", connection=connection)
    assert (status, headers["connection"]) == (200, None)
    time.sleep(3.1)
    status, headers, _ = server.ask("POST", "/predict", {"features": [SETOSA]}, connection=connection)
    assert (status, headers["connection"]) == (200, "close")
    assert connection.sock is None, "the client was told to connect anew"
    status, headers, _ = server.ask("GET", "/healthz", connection=connection)
    assert (status, headers["connection"]) == (200, None)


def test_a_request_under_way_is_answered_after_sigterm_and_no_new_one_is_taken(serve):
    server = serve()
    body = json.dumps({"features": [SETOSA]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as under_way:
        head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        under_way.sendall(head.encode() + body[:5])
        time.sleep(0.3)  # until the server has read the head
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as new:
                if new.connect_ex(("127.0.0.1", server.port)):
                    break
            time.sleep(0.05)
        else:
            pytest.fail("the server still takes connections after SIGTERM")
        under_way.sendall(body[5:])
        answer = b""
        while received := under_way.recv(65536):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"setosa"' in answer
    # uvicorn ends by the signal that it was sent, when it is not a container's first process.
    assert server.process.wait(20) in (0, -signal.SIGTERM)


def test_without_a_model_it_ends_with_a_sentence(iris, tmp_path):
    ended = subprocess.run(
        [sys.executable, iris / "server.py"],
        env={**os.environ, "MODEL_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot serve: FileNotFoundError")
    assert "Traceback" not in ended.stderr


def test_the_two_requirement_files_pin_every_package_with_a_hash(iris):
    for name in ("requirements", "requirements-train"):
        text = (iris / f"{name}.txt").read_text()
        pinned = {line.split("==")[0] for line in text.splitlines() if "==" in line and not line.startswith(" ")}
        wanted = {line for line in (iris / f"{name}.in").read_text().splitlines() if line and not line.startswith("#")}
        assert wanted <= pinned
        assert text.count("--hash=sha256:") >= len(pinned)
