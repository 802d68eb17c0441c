"""The provider as a process, and an API server that comes, goes and keeps silent."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import grpc
import pytest

from sandbox.plugins.kubernetes import client as client_module
from sandbox.plugins.kubernetes.client import Client
from sandbox.plugins.kubernetes.configuration import Configuration
from sandbox.plugins.kubernetes.errors import ApiError, UnreachableError
from sandbox.plugins.kubernetes.kubeconfig import Access
from sandbox.plugins.kubernetes.throttle import Throttle
from sandbox.plugins.protocol import provider_pb2, provider_pb2_grpc

KINDS = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}


class Answers(http.server.ThreadingHTTPServer):
    """A server on loopback that gives the answers of a list, then the last one for ever."""

    daemon_threads = True

    def __init__(self, answers, port=0):
        self.left = list(answers)
        self.asked = []
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection a request, so that a server that stopped is gone at once

    def do_GET(self):
        self.server.asked.append(self.path)
        status, headers, body = (200, {}, KINDS) if self.path == "/api/v1" else self.server.left[0]
        if self.path != "/api/v1" and len(self.server.left) > 1:
            self.server.left.pop(0)
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def answers():
    servers = []

    def start(*replies, port=0):
        servers.append(Answers(replies, port))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client_of(url, **settings):
    return Client(Access(server=url), Configuration(**settings), threading.Event())


def found(client):
    return client.get("v1", "ConfigMap", "a", "default")


def test_a_server_that_is_busy_is_asked_again(answers):
    busy = (429, {"Retry-After": "0"}, {"message": "too many requests"})
    server = answers(busy, busy, (200, {}, {"kind": "ConfigMap"}))
    assert found(client_of(server.url)) == {"kind": "ConfigMap"}
    assert len(server.asked) == 4  # the kinds once, the object three times


def test_an_answer_that_only_says_that_etcd_is_away_is_asked_for_again(answers):
    away = {"message": "Service is invalid: failed to allocate IP: rpc error: code = Unavailable desc = EOF"}
    server = answers((422, {"Retry-After": "0"}, away), (200, {}, {"kind": "ConfigMap"}))
    assert found(client_of(server.url)) == {"kind": "ConfigMap"}


def test_a_verdict_is_not_asked_for_again(answers):
    server = answers((403, {}, {"message": "forbidden: no", "reason": "Forbidden"}))
    with pytest.raises(ApiError, match="forbidden: no"):
        found(client_of(server.url))
    assert len(server.asked) == 2


def test_what_is_not_there_is_none(answers):
    assert found(client_of(answers((404, {}, {"reason": "NotFound"})).url)) is None


def test_a_server_that_restarts_is_waited_for(answers):
    server = answers((200, {}, {"kind": "ConfigMap"}))
    client = client_of(server.url)
    found(client)
    server.shutdown()
    server.server_close()
    back = threading.Timer(1.0, answers, [(200, {}, {"kind": "Restarted"})], {"port": server.server_port})
    back.start()
    assert found(client) == {"kind": "Restarted"}
    back.join()


def test_a_server_that_never_answered_is_waited_for_once():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = client_of(f"http://127.0.0.1:{silent.getsockname()[1]}", request_seconds=0.5)
        with pytest.raises(UnreachableError, match="does not answer"):
            found(client)
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(UnreachableError, match="does not answer"):
                found(client)
        assert time.monotonic() - started < 0.4


def test_a_wait_for_a_restart_ends_when_it_is_cancelled(answers):
    server = answers((200, {}, {"kind": "ConfigMap"}))
    client = client_of(server.url)
    found(client)
    server.shutdown()
    server.server_close()
    threading.Timer(0.3, client._cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        found(client)
    assert time.monotonic() - started < client_module._RESTART_SECONDS / 2


def test_requests_beyond_the_burst_are_spread_over_time():
    throttle = Throttle(rate=100, burst=5)
    started = time.monotonic()
    for _ in range(15):
        throttle.wait()
    assert time.monotonic() - started >= 0.09


@pytest.fixture
def process():
    started = subprocess.Popen(
        [sys.executable, "-m", "sandbox.plugins.kubernetes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield started
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()


def test_the_process_prints_its_port_and_answers(process):
    channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
    stub = provider_pb2_grpc.ResourceProviderStub(channel)
    answer = stub.Handshake(provider_pb2.ProviderHandshakeRequest(), timeout=20)
    assert answer.accept_secrets
    channel.close()


def test_the_process_ends_quietly_when_it_is_interrupted(process):
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    assert process.stdout.read() == ""


def test_the_process_does_not_outlive_an_engine_that_was_killed(process):
    process.stdout.readline()
    process.stdin.close()  # what a killed engine leaves
    assert process.wait(timeout=20) != 0
    process.stdin = None
