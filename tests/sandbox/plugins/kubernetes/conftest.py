"""The provider's own service, called as the engine calls it, against a real API server."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2
from google.rpc import status_pb2

from sandbox.plugins.kubernetes.server import Provider
from sandbox.plugins.properties import decode, encode
from sandbox.plugins.protocol import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.cluster.control_plane import ControlPlane


class EngineLog(engine_pb2_grpc.EngineServicer):
    """What the engine would show of a provider's messages."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, bool]] = []
        self.lock = threading.Lock()

    def Log(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802  the engine's word
        with self.lock:
            self.messages.append((request.urn, request.message, request.ephemeral))
        return empty_pb2.Empty()

    @property
    def lasting(self) -> list[str]:
        return [text for _, text, ephemeral in self.messages if not ephemeral]

    @property
    def status(self) -> list[str]:
        return [text for _, text, ephemeral in self.messages if ephemeral]


class CallError(RuntimeError):
    """A call that the provider answered with an error; `partial` holds the object it handed over, if any."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.code = error.code()
        self.partial: Any = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self.partial = provider_pb2.ErrorResourceInitFailed()
                status_pb2.Status.FromString(value).details[0].Unpack(self.partial)


@dataclass
class Resource:
    """One resource as the engine keeps it: inputs after Check, then id and outputs after each step."""

    caller: Caller
    urn: str
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    def check(self, news: dict[str, Any], **options: Any) -> dict[str, Any]:
        request = provider_pb2.CheckRequest(urn=self.urn, olds=encode(self.inputs), news=encode(news), **options)
        response = self.caller.call("Check", request)
        self.failures = [(each.property, each.reason) for each in response.failures]
        return decode(response.inputs)

    def create(self, news: dict[str, Any], *, preview: bool = False, timeout: float = 0) -> Resource:
        checked = self.check(news)
        assert self.failures == []
        request = provider_pb2.CreateRequest(urn=self.urn, properties=encode(checked), preview=preview, timeout=timeout)
        response = self.caller.call("Create", request)
        self.inputs, self.state, self.id = checked, decode(response.properties), response.id
        return self

    def diff(self, news: dict[str, Any], *, ignore: tuple[str, ...] = ()) -> Any:
        request = provider_pb2.DiffRequest(
            id=self.id,
            urn=self.urn,
            olds=encode(self.state),
            old_inputs=encode(self.inputs),
            news=encode(self.check(news)),
            ignoreChanges=ignore,
        )
        return self.caller.call("Diff", request)

    def update(
        self,
        news: dict[str, Any],
        *,
        preview: bool = False,
        ignore: tuple[str, ...] = (),
        timeout: float = 0,
    ) -> dict[str, Any]:
        checked = self.check(news)
        request = provider_pb2.UpdateRequest(
            id=self.id,
            urn=self.urn,
            olds=encode(self.state),
            old_inputs=encode(self.inputs),
            news=encode(checked),
            preview=preview,
            ignoreChanges=ignore,
            timeout=timeout,
        )
        outputs = decode(self.caller.call("Update", request).properties)
        if not preview:
            self.inputs, self.state = checked, outputs
        return outputs

    def read(self) -> str:
        request = provider_pb2.ReadRequest(
            id=self.id, urn=self.urn, properties=encode(self.state), inputs=encode(self.inputs)
        )
        response = self.caller.call("Read", request)
        self.state, self.inputs = decode(response.properties), decode(response.inputs)
        return response.id

    def delete(self, *, timeout: float = 0) -> None:
        request = provider_pb2.DeleteRequest(id=self.id, urn=self.urn, properties=encode(self.state), timeout=timeout)
        self.caller.call("Delete", request)


@dataclass
class Caller:
    """A provider and the engine's log beside it; `namespace` is the test's own."""

    stub: provider_pb2_grpc.ResourceProviderStub
    log: EngineLog
    api: Any
    namespace: str
    kubeconfig: Any

    def call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request, timeout=120)
        except grpc.RpcError as error:
            raise CallError(error) from None

    def configure(self, **settings: Any) -> Any:
        return self.call("Configure", provider_pb2.ConfigureRequest(args=encode(settings), acceptSecrets=True))

    def resource(self, token: str, name: str = "it") -> Resource:
        return Resource(self, f"urn:pulumi:test::{self.namespace}::kubernetes:{token}::{name}")

    def config_map(self, name: str, data: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace, **metadata},
            "data": data or {"a": "1"},
        }

    def live(self, plural: str, name: str, group: str = "/api/v1") -> Any:
        return self.api.get(f"{group}/namespaces/{self.namespace}/{plural}/{name}")

    def apply(self, manifest: dict[str, Any], plural: str, manager: str, group: str = "/api/v1") -> None:
        """Apply as another field manager would, with force."""
        path = f"{group}/namespaces/{self.namespace}/{plural}/{manifest['metadata']['name']}"
        status, answer = self.api.request(
            "PATCH",
            f"{path}?fieldManager={manager}&force=true",
            manifest,
            content_type="application/apply-patch+yaml",
        )
        assert status < 300, answer


@pytest.fixture(scope="session")
def start_provider() -> Iterator[Callable[[], tuple[Any, EngineLog]]]:
    servers = []

    def serve(register: Callable[[grpc.Server], None]) -> str:
        server = grpc.server(ThreadPoolExecutor(max_workers=16))
        register(server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    def start() -> tuple[Any, EngineLog]:
        log = EngineLog()
        engine = serve(lambda server: engine_pb2_grpc.add_EngineServicer_to_server(log, server))
        provider = Provider(engine)
        address = serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))
        return provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(address)), log

    yield start
    for server in servers:
        server.stop(grace=None)


@pytest.fixture
def unreachable(start_provider: Callable[[], tuple[Any, EngineLog]]) -> Caller:
    """A provider whose API server refuses every connection."""
    stub, log = start_provider()
    caller = Caller(stub, log, None, "nowhere", kubeconfig_for("https://127.0.0.1:1"))
    caller.configure(kubeconfig=caller.kubeconfig)
    return caller


def kubeconfig_for(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "current-context": "c",
    }


@pytest.fixture
def provider(start_provider: Callable[[], tuple[Any, EngineLog]], control_plane: ControlPlane) -> Iterator[Caller]:
    """A configured provider with a namespace of its own."""
    stub, log = start_provider()
    api = control_plane.api
    namespace = f"provider-{secrets.token_hex(3)}"
    status, answer = api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    assert status < 300, answer
    caller = Caller(stub, log, api, namespace, control_plane.kubeconfig)
    caller.configure(kubeconfig=str(control_plane.kubeconfig))
    yield caller
    api.request("DELETE", f"/api/v1/namespaces/{namespace}")
