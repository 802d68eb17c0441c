"""The provider's service: each method reads its message, calls the module of that name, and writes the answer."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]

from sandbox.plugins.engine import Engine
from sandbox.plugins.kubernetes import VERSION, lists
from sandbox.plugins.kubernetes.check import check, namespaced
from sandbox.plugins.kubernetes.checkpoint import objects, read_checkpoint
from sandbox.plugins.kubernetes.configuration import Configuration, changed_settings, failures, read_configuration
from sandbox.plugins.kubernetes.create import create
from sandbox.plugins.kubernetes.delete import delete
from sandbox.plugins.kubernetes.diff import Kind, diff
from sandbox.plugins.kubernetes.errors import InitializationError, ProviderError, UnreachableError
from sandbox.plugins.kubernetes.naming import Autonaming, field_manager
from sandbox.plugins.kubernetes.read import read
from sandbox.plugins.kubernetes.session import Session
from sandbox.plugins.kubernetes.update import update
from sandbox.plugins.properties import Properties, decode, encode, plain
from sandbox.plugins.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Provider"]

_KINDS = {
    (Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}

_LATER = (
    "is not offered by the sandbox's kubernetes provider: charts, kustomizations and YAML files as components need the "
    "official kubernetes plugin"
)

# The official provider's words: runbooks and searches know them.
_UNREACHABLE = "configured Kubernetes cluster is unreachable"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The service that the engine calls, several calls at a time."""

    def __init__(self, engine_address: str = "") -> None:
        self._engine = Engine(engine_address)
        self._session = Session(Configuration(), self._engine)
        self._lock = threading.Lock()

    # The engine's names for its methods are not ours to choose.
    # ruff: noqa: N802, ARG002

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Agree on how values are sent, and learn where the engine's log is."""
        self._engine.attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Learn where the engine is, for a provider that was started by hand."""
        self._engine.attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Tell which official release this provider stands in for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return the least that is a schema: the SDKs carry their own."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "kubernetes", "version": VERSION}))

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Check the provider's own settings."""
        inputs = decode(request.news)
        wrong = [provider_pb2.CheckFailure(property=name, reason=why) for name, why in failures(inputs)]
        return provider_pb2.CheckResponse(inputs=request.news, failures=wrong)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Tell which settings changed, and whether they lead to another cluster."""
        before = decode(request.old_inputs) or decode(request.olds)
        diffs, replaces = changed_settings(before, decode(request.news))
        some = provider_pb2.DiffResponse.DIFF_SOME if diffs else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=diffs, replaces=replaces)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Take the settings; the cluster is looked for when it is first needed."""
        prefix = "kubernetes:config:"
        inputs = decode(request.args) or {
            name.removeprefix(prefix): value for name, value in request.variables.items() if name.startswith(prefix)
        }
        try:
            configuration = read_configuration(inputs)
        except ProviderError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        with self._lock:
            self._session = Session(configuration, self._engine)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            supports_autonaming_configuration=True,
        )

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return a resource's inputs with name and namespace filled in."""

        def work() -> Any:
            rule = None
            if request.HasField("autonaming"):
                options, modes = request.autonaming, provider_pb2.CheckRequest.AutonamingOptions
                rule = Autonaming(options.proposed_name, options.mode == modes.ENFORCE, options.mode == modes.DISABLE)
            inputs, wrong = check(
                self._session,
                request.urn,
                decode(request.olds),
                decode(request.news),
                seed=request.randomSeed,
                rule=rule,
            )
            found = [provider_pb2.CheckFailure(property=name, reason=why) for name, why in wrong]
            return provider_pb2.CheckResponse(inputs=encode(inputs), failures=found)

        return _answer(context, work)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Tell what an update would change, and whether it needs a new object."""

        def work() -> Any:
            old = read_checkpoint(decode(request.olds))
            new = objects(plain(decode(request.news)))
            found = diff(
                request.urn,
                old,
                new,
                ignore=request.ignoreChanges,
                manager=field_manager(new, request.urn, old.manager),
                configuration=self._session.configuration,
                namespaced=namespaced(self._session, new),
            )
            response = provider_pb2.DiffResponse(
                changes=provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE,
                replaces=found.replaces,
                deleteBeforeReplace=found.delete_first,
                hasDetailedDiff=True,
            )
            replaced = set(found.replaces)
            for path, change in found.changes.items():
                response.detailedDiff[path].CopyFrom(
                    provider_pb2.PropertyDiff(kind=_KINDS[change.kind, path in replaced], inputDiff=True),
                )
            return response

        return _answer(context, work)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Create an object, or plan to."""

        def work() -> Any:
            news = decode(request.properties)
            if lists.is_list(news):
                name, outputs = lists.create(self._session, request.urn, news, preview=request.preview)
                return provider_pb2.CreateResponse(id=name, properties=encode(outputs))
            name, outputs = create(
                self._session,
                request.urn,
                news,
                timeout=request.timeout,
                preview=request.preview,
            )
            return provider_pb2.CreateResponse(id=name, properties=encode(outputs))

        return _answer(context, work)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return an object as it is now."""

        def work() -> Any:
            state, inputs = decode(request.properties), decode(request.inputs)
            look = lists.read if lists.is_list(state) else read
            name, outputs, inputs = look(self._session, request.urn, request.id, state, inputs)
            if not name:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(id=name, properties=encode(outputs), inputs=encode(inputs))

        return _answer(context, work)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Change an object, or plan to."""

        def work() -> Any:
            olds, news = decode(request.olds), decode(request.news)
            if lists.is_list(news):
                outputs = lists.update(self._session, request.urn, olds, news, preview=request.preview)
                return provider_pb2.UpdateResponse(properties=encode(outputs))
            outputs = update(
                self._session,
                request.urn,
                olds,
                news,
                ignore=request.ignoreChanges,
                timeout=request.timeout,
                preview=request.preview,
            )
            return provider_pb2.UpdateResponse(properties=encode(outputs))

        return _answer(context, work)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Delete an object."""

        def work() -> Any:
            olds = decode(request.properties)
            if lists.is_list(olds):
                lists.delete(self._session, request.urn, olds, timeout=request.timeout)
            else:
                delete(self._session, request.urn, request.id, olds, timeout=request.timeout)
            return empty_pb2.Empty()

        return _answer(context, work)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """End every wait; what was written stays in the state as not ready."""
        self.stop()
        return empty_pb2.Empty()

    def stop(self) -> None:
        """End every wait, from any thread."""
        self._session.cancelled.set()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: functions belong to charts and YAML files."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the function {request.tok} {_LATER}")

    def Call(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: methods belong to charts and YAML files."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the method {request.tok} {_LATER}")

    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: components are charts and YAML files."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the component {request.type} {_LATER}")


def _answer(context: grpc.ServicerContext, work: Callable[[], Any]) -> Any:
    """Return what `work` returns, its errors as the engine understands them."""
    try:
        return work()
    except InitializationError as error:
        _partial(context, error)
    except UnreachableError as error:
        text = str(error)
        context.abort(grpc.StatusCode.UNKNOWN, text if _UNREACHABLE in text else f"{_UNREACHABLE}: {text}")
    except (ProviderError, TypeError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _partial(context: grpc.ServicerContext, error: InitializationError) -> NoReturn:
    """Fail, but hand over the object: the engine records it with the reasons and tries again at the next update.

    The details travel in a trailing header, as in every gRPC server that has them.
    """
    detail = any_pb2.Any()
    properties: Properties = error.properties
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.identifier,
            properties=encode(properties),
            reasons=error.reasons,
            inputs=encode(properties.get("__inputs") or {}),
        ),
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, str(error))
