"""The ResourceProvider service for Docker images."""

# ruff: noqa: ARG002, N802  # the names and parameters are the protocol's

from __future__ import annotations

import os
import threading
from importlib import metadata
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2

from sandbox.plugins.docker.build import Builder, BuildError
from sandbox.plugins.docker.inputs import Image, InputError, with_defaults
from sandbox.plugins.docker.registry import provider_credentials
from sandbox.plugins.engine import Engine
from sandbox.plugins.properties import UNKNOWN, Secret, decode, encode, has_unknowns, plain
from sandbox.plugins.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DockerProvider"]

_IMAGE = "docker:index/image:Image"
# Where the state keeps the inputs that an image was built from, as pulumi-docker does.
_INPUTS = "__inputs"
_UNSUPPORTED_SETTINGS = ("context", "sshOpts", "caMaterial", "certMaterial", "keyMaterial")
# They may change with every run, such as a cloud registry's token: no reason to build again.
_CREDENTIALS = ("username", "password")


class DockerProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Builds and pushes images for one engine.

    It does not accept secrets: the engine strips them from what it sends and marks what comes back, and
    `__inputs`, which repeats the inputs, is returned as a secret whole.
    """

    def __init__(self, *, engine_address: str) -> None:
        self._engine = Engine(engine_address)
        self._cancelled = threading.Event()
        self._builder = Builder(host=None, known_credentials={}, cancelled=self._cancelled)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Report the version of the SDK that this provider serves."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi-docker"))

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Talk to another engine from now on."""
        self._engine.attach(request.address)
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse settings that this provider would have to ignore."""
        settings = decode(request.news)
        return provider_pb2.CheckResponse(
            inputs=request.news,
            failures=[
                provider_pb2.CheckFailure(property=name, reason="is not supported by the sandbox's docker provider")
                for name in _UNSUPPORTED_SETTINGS
                if settings.get(name)
            ],
        )

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Report no difference: another Docker engine is no reason to build again."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Take the Docker engine's address and credentials; nothing is connected to before the first build."""
        settings = plain(decode(request.args))
        if certificates := settings.get("certPath"):
            os.environ["DOCKER_CERT_PATH"] = str(certificates)
            os.environ.setdefault("DOCKER_TLS_VERIFY", "1")
        self._builder = Builder(
            host=settings.get("host"),
            known_credentials=provider_credentials(settings.get("registryAuth")),
            cancelled=self._cancelled,
        )
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Fill in defaults and compute the context's digest."""
        if request.type != _IMAGE:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                f"{request.type}: the sandbox's docker provider has {_IMAGE} only; use the official plugin for others",
            )
        given = plain(decode(request.news))
        try:
            inputs = with_defaults(given)
        except InputError as error:
            failure = provider_pb2.CheckFailure(property=error.path, reason=error.reason)
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        return provider_pb2.CheckResponse(inputs=encode(inputs))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Compare the inputs that the image was built from with those of now, credentials left out."""
        state = plain(decode(request.olds))
        old, new = _lasting(state.get(_INPUTS) or state), _lasting(plain(decode(request.news)))
        answer = provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) == new.get(name):
                continue
            answer.changes = provider_pb2.DiffResponse.DIFF_SOME
            answer.hasDetailedDiff = True
            answer.diffs.append(name)
            answer.detailedDiff[name].kind = _kind(name, old, new)
        return answer

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Build and push an image; its name is its id, as in pulumi-docker."""
        inputs = plain(decode(request.properties))
        state = self._build(request.urn, inputs, preview=request.preview, context=context)
        return provider_pb2.CreateResponse(id="" if request.preview else inputs["imageName"], properties=encode(state))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Build and push the image again."""
        inputs = plain(decode(request.news))
        state = self._build(request.urn, inputs, preview=request.preview, context=context)
        return provider_pb2.UpdateResponse(properties=encode(state))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Return what is known already: as pulumi-docker, a refresh asks no registry."""
        return provider_pb2.ReadResponse(id=request.id, inputs=request.inputs, properties=request.properties)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Forget the image: what was pushed stays, since something else may run it."""
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """End builds under way: the user has pressed Ctrl-C."""
        self._cancelled.set()
        return empty_pb2.Empty()

    def _build(
        self, urn: str, inputs: dict[str, Any], *, preview: bool, context: grpc.ServicerContext
    ) -> dict[str, Any]:
        """Return the state of a build, or in a preview what can be said of it."""
        if preview and (has_unknowns(inputs) or not inputs.get("buildOnPreview")):
            return _outputs(inputs, UNKNOWN)
        image = Image.of(inputs | {"skipPush": True} if preview else inputs)
        try:
            digest = self._builder.build(
                image,
                status=lambda text: self._engine.status(urn, text),
                warn=lambda text: self._engine.warn(urn, text),
            )
        except BuildError as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{image.name}: {error}")
        finally:
            self._engine.status(urn, "")
        # What a preview builds is not pushed, and only the push tells the digest.
        return _outputs(inputs, UNKNOWN if preview and not inputs.get("skipPush") else digest)


def _outputs(inputs: Mapping[str, Any], digest: Any) -> dict[str, Any]:
    """Return an image's state, field by field that of pulumi-docker."""
    build = inputs["build"] if inputs["build"] is not UNKNOWN else {}
    folder, dockerfile = build.get("context", UNKNOWN), build.get("dockerfile", UNKNOWN)
    known = not has_unknowns([folder, dockerfile])
    registry = inputs.get("registry") or {}
    return {
        "baseImageName": inputs["imageName"],
        "imageName": inputs["imageName"],
        "context": folder,
        "dockerfile": os.path.relpath(dockerfile, folder) if known else UNKNOWN,
        "platform": build.get("platform", UNKNOWN),
        "registryServer": registry.get("server", "") if registry is not UNKNOWN else UNKNOWN,
        "repoDigest": digest,
        _INPUTS: Secret(dict(inputs)),
    }


def _lasting(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs whose change is a reason to build."""
    registry = inputs.get("registry")
    if not isinstance(registry, dict):
        return dict(inputs)
    return {**inputs, "registry": {name: value for name, value in registry.items() if name not in _CREDENTIALS}}


def _kind(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> provider_pb2.PropertyDiff.Kind.ValueType:
    if name not in old:
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if name not in new else provider_pb2.PropertyDiff.UPDATE
