"""Both sources of metrics, each asking a real HTTP server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from infra.observed import ApiServer
from infra.observed.kubeconfig import Access
from rollout.metrics.pods import PodMetrics
from rollout.metrics.prometheus import PrometheusMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pod:
    """One pod and what it counts, told by Prometheus' own client."""

    def __init__(self, name: str, slot: str, *, ready: bool = True) -> None:
        self.name, self.slot, self.ready = name, slot, ready
        self.uid, self.restarts, self.answers = f"uid-{name}", 0, 200
        self.begin()

    def begin(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("http_requests", "", ["path", "status"], registry=self.registry)
        self.drift = Gauge("drift", "", registry=self.registry)

    def restart(self) -> None:
        self.restarts += 1
        self.begin()

    def answer(self, times: int, status: str = "200") -> None:
        self.requests.labels("/predict", status).inc(times)

    def manifest(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.name, "uid": self.uid},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": str(self.ready)}],
                "containerStatuses": [{"name": "model", "restartCount": self.restarts}],
            },
        }


class Cluster:
    """The part of an API server that lists pods and passes requests on to them; and a Prometheus."""

    def __init__(self) -> None:
        self.pods: list[Pod] = []
        self.asked: list[str] = []
        self.vectors: dict[str, Any] = {}
        self.tokens: list[str | None] = []
        self.broken = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.broken:
            return self.broken, b"out of order"
        if path == "/api/v1/namespaces/fraud-prod/pods":
            name, slot = (part.partition("=")[2] for part in query["labelSelector"][0].split(","))
            assert name == "churn"
            return 200, json.dumps({"items": [pod.manifest() for pod in self.pods if pod.slot == slot]}).encode()
        for pod in self.pods:
            if path == f"/api/v1/namespaces/fraud-prod/pods/{pod.name}:8080/proxy/metrics":
                return pod.answers, generate_latest(pod.registry) if pod.answers == 200 else b"no"
        return 404, b'{"kind": "Status", "message": "not found"}'

    def query(self, query: str, token: str | None) -> tuple[int, bytes]:
        self.asked.append(query)
        self.tokens.append(token)
        if self.broken:
            return self.broken, b"out of order"
        result = next((vector for start, vector in self.vectors.items() if query.startswith(start)), [])
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    held = Cluster()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.give(*held.answer(parts.path, parse_qs(parts.query)))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self.give(*held.query(form["query"][0], self.headers["authorization"]))

        def give(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    held.url = f"http://127.0.0.1:{server.server_port}"
    yield held
    server.shutdown()
    server.server_close()


@pytest.fixture
def pods(cluster) -> PodMetrics:
    return PodMetrics(
        api=ApiServer(Access(server=cluster.url, context="test")),
        namespace="fraud-prod",
        model="churn",
        ports={"blue": 8080, "green": 8080},
        path="/metrics",
        names={"http_requests_total", "drift"},
        sleep=lambda _: None,
    )


def counted(seen) -> dict[str, float]:
    return {sample.labels["status"]: sample.value for sample in seen.increases if sample.name == "http_requests_total"}


def test_all_pods_of_a_slot_are_added_up_over_the_window(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green"), Pod("churn-green-b", "green"), Pod("churn-blue-a", "blue")]
    for pod in cluster.pods:
        pod.answer(1000)
    pods.begin()
    for pod in cluster.pods:
        pod.answer(5)
    cluster.pods[0].answer(2, "503")
    seen = pods.look()
    assert counted(seen["green"]) == {"200": 10, "503": 2}
    assert counted(seen["blue"]) == {"200": 5}
    assert (seen["green"].pods, seen["blue"].pods) == (2, 1)


def test_a_pod_that_restarts_and_one_that_comes_are_counted_from_zero(cluster, pods):
    first = Pod("churn-green-a", "green")
    cluster.pods = [first]
    first.answer(1000)
    pods.begin()
    first.restart()
    first.answer(2000)
    second = Pod("churn-green-b", "green")
    second.answer(30)
    cluster.pods.append(second)
    assert counted(pods.look()["green"]) == {"200": 2030}


def test_a_pod_that_vanishes_keeps_what_it_did(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green"), Pod("churn-green-b", "green")]
    pods.begin()
    for pod in cluster.pods:
        pod.answer(10)
    pods.look()
    del cluster.pods[0]
    seen = pods.look()["green"]
    assert counted(seen) == {"200": 20}
    assert (seen.pods, seen.troubles) == (1, ())


def test_gauges_are_means_over_pods_that_serve(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green"), Pod("churn-green-b", "green"), Pod("x", "green", ready=False)]
    for pod, value in zip(cluster.pods, (1.0, 3.0, 50.0), strict=True):
        pod.drift.set(value)
    pods.begin()
    means = {sample.name: sample.value for sample in pods.look()["green"].means}
    assert means["drift"] == 2.0


def test_a_pod_whose_metrics_cannot_be_read_is_a_trouble_after_three_tries(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green")]
    cluster.pods[0].answers = 404
    pods.begin()
    cluster.asked.clear()
    assert pods.look()["green"].troubles == ("pod churn-green-a: /metrics answered 404: no",)
    assert len([path for path in cluster.asked if "proxy" in path]) == 3


def test_a_pod_that_is_not_ready_need_not_answer(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green", ready=False)]
    cluster.pods[0].answers = 503
    pods.begin()
    seen = pods.look()["green"]
    assert (seen.pods, seen.troubles) == (0, ())


def test_a_page_that_is_no_exposition_is_a_trouble(cluster, pods, monkeypatch):
    cluster.pods = [Pod("churn-green-a", "green")]
    monkeypatch.setattr(f"{__name__}.generate_latest", lambda _: b"<html>hello</html>")
    pods.begin()
    assert "is not Prometheus' text format" in pods.look()["green"].troubles[0]


def test_an_api_server_that_is_out_of_order_is_a_trouble_and_no_zero(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green")]
    pods.begin()
    cluster.broken = 503
    seen = pods.look()["green"]
    assert seen.pods is None
    assert "out of order" in seen.troubles[0]


def test_an_api_server_that_was_away_when_the_window_began_begins_it_later(cluster, pods):
    cluster.pods = [Pod("churn-green-a", "green")]
    cluster.pods[0].answer(1000)
    cluster.broken = 503
    pods.begin()
    cluster.broken = 0
    pods.look()
    cluster.pods[0].answer(7)
    assert counted(pods.look()["green"]) == {"200": 7}


def test_an_api_server_that_does_not_answer_is_a_trouble(cluster, pods):
    pods.api = ApiServer(Access(server="http://127.0.0.1:1", context="test"))
    pods.begin()
    assert "does not answer" in pods.look()["green"].troubles[0]


@pytest.fixture
def prometheus(cluster) -> PrometheusMetrics:
    times = iter((100.0, 130.2, 160.0))
    return PrometheusMetrics(
        url=cluster.url,
        namespace="fraud-prod",
        model="churn",
        names=["http_requests_total"],
        clock=lambda: next(times),
        token="secret",
    )


def vector(pod: str, value: str, **labels: str) -> dict[str, Any]:
    return {"metric": {"pod": pod, "namespace": "fraud-prod", **labels}, "value": [1763800000.0, value]}


def test_prometheus_is_asked_for_increases_and_means_over_the_window_so_far(cluster, prometheus):
    prometheus.begin()
    prometheus.look()
    series = 'http_requests_total{namespace="fraud-prod",pod=~"churn-(blue|green)-.*"}'
    known = f"increase({series}[30s]) and {series} offset 30s"
    new = f"last_over_time({series}[30s]) unless {series} offset 30s"
    assert cluster.asked == [f"({known}) or ({new})", f"avg_over_time({series}[30s])"]
    assert set(cluster.tokens) == {"Bearer secret"}


def test_series_are_told_apart_by_slot_and_those_of_other_models_left_out(cluster, prometheus):
    cluster.vectors["(increase"] = [
        vector("churn-green-7d9f8-abcde", "12.5", status="200"),
        vector("churn-blue-5c6b7-fghij", "100", status="200"),
        vector("churn-green-x-blue-5c6b7-fghij", "9999", status="200"),
    ]
    prometheus.begin()
    seen = prometheus.look()
    assert counted(seen["green"]) == {"200": 12.5}
    assert counted(seen["blue"]) == {"200": 100.0}
    assert seen["green"].pods is None
    assert seen["green"].seconds == pytest.approx(30.2)


def test_a_prometheus_that_is_out_of_order_is_a_trouble_of_both_slots(cluster, prometheus):
    cluster.broken = 503
    prometheus.begin()
    seen = prometheus.look()
    assert seen["green"].troubles == seen["blue"].troubles == (f"{cluster.url} answered 503: out of order",)


def test_a_server_that_is_no_prometheus_is_a_trouble(cluster, prometheus):
    cluster.query = lambda *_: (200, b"<html></html>")
    prometheus.begin()
    assert "does not answer as Prometheus does" in prometheus.look()["green"].troubles[0]


def test_a_token_is_never_shown(prometheus):
    assert "secret" not in repr(prometheus)
