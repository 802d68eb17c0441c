"""A mock engine that records what a program declares, exactly as it would be sent to the real one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import clouds
from pulumi.runtime import mocks, resource, rpc
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.proto import engine_pb2, source_pb2
from pulumi.runtime.stack import Stack, wait_for_rpcs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pulumi


# Where in the program a resource was declared, which the engine shows and no test asks: a sixth of a run's time.
resource._get_stack_trace = source_pb2.StackTrace

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as the engine gets it."""

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...]
    provider: str
    version: str
    timeouts: Mapping[str, str]
    hooks: Mapping[str, tuple[str, ...]]
    protect: bool
    secrets: frozenset[str]
    """Paths of inputs that are marked secret."""


@dataclass(kw_only=True)
class Declarations:
    """All that one run of a program declared."""

    resources: list[Declared] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    hooks: dict[str, pulumi.ResourceHook] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    result: Any = None

    def objects(self) -> dict[tuple[str, str], Declared]:
        """Kubernetes objects by kind and resource name."""
        return {
            (resource.inputs["kind"], resource.name.rpartition("/")[2]): resource
            for resource in self.resources
            if resource.type.startswith("kubernetes:")
        }

    def object(self, kind: str, name: str) -> Mapping[str, Any]:
        return self.objects()[kind, name].inputs

    def of_type(self, type_: str) -> list[Declared]:
        return [resource for resource in self.resources if resource.type == type_]


class _Monitor(mocks.MockMonitor):
    def __init__(
        self,
        declared: Declarations,
        outputs: Callable[[Declared], Mapping[str, Any]],
        answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]],
    ) -> None:
        super().__init__(mocks=_Answers(answers))
        self._declared = declared
        self._outputs = outputs

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's own name)
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return mocks.resource_pb2.RegisterResourceResponse(urn=urn)
        if request.type.startswith("mlplatform:") or request.type.startswith("pulumi:providers:"):
            identity = "" if request.type.startswith("mlplatform:") else "id"
        else:
            identity = request.name
        resource = Declared(
            type=request.type,
            name=request.name,
            urn=urn,
            parent=request.parent,
            custom=request.custom,
            inputs=rpc.deserialize_properties(request.object),
            dependencies=tuple(sorted(request.dependencies)),
            provider=request.provider or next(iter(request.providers.values()), ""),
            version=request.version,
            timeouts={
                action: value
                for action in ("create", "update", "delete")
                if (value := getattr(request.customTimeouts, action))
            },
            hooks={
                moment: tuple(names)
                for moment in ("before_create", "before_update", "after_create", "after_update", "before_delete")
                if (names := getattr(request.hooks, moment))
            },
            protect=request.protect,
            secrets=frozenset(_secret_paths(request.object, ())),
        )
        self._declared.resources.append(resource)
        state = {**resource.inputs, **self._outputs(resource)}
        serialized = _run(rpc.serialize_properties(state, {}))
        return mocks.resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=serialized)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (the protocol's own name)
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self._declared.exports.update(rpc.deserialize_properties(request.outputs))
        else:
            self._declared.completed.append(request.urn)
            self._declared.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return mocks.empty_pb2.Empty()


class _Answers(mocks.Mocks):
    """What functions of providers, and of the engine itself, answer."""

    def __init__(self, answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]) -> None:
        self._answers = answers

    def call(self, args: mocks.MockCallArgs) -> Any:
        return dict(self._answers[args.token](args.args))

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(f"{args.typ} is read, not declared")


class _Hooks:
    def __init__(self, declared: Declarations) -> None:
        self._declared = declared

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        assert hook.name not in self._declared.hooks, f"two hooks named {hook.name}"
        self._declared.hooks[hook.name] = hook


class _Log:
    def __init__(self, declared: Declarations) -> None:
        self._declared = declared

    def Log(self, request: Any) -> None:  # noqa: N802 (the protocol's own name)
        if request.severity != engine_pb2.DEBUG:  # the SDK's own notes
            self._declared.messages.append(request.message)


def _secret_paths(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Find what is marked secret in a protobuf structure."""
    if _SIGNATURE in value and value[_SIGNATURE] == _SECRET:
        yield ".".join(path)
        return
    for key in value:
        if hasattr(value[key], "keys"):
            yield from _secret_paths(value[key], (*path, key))


def _run(coroutine: Any) -> Any:
    # Registrations run in threads of the SDK's own, which have no event loop.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def provider_outputs(resource: Declared) -> Mapping[str, Any]:
    """What the official providers add to the inputs, as far as a program may build on it."""
    if resource.type == "docker:index/image:Image":
        return {"repoDigest": f"{resource.inputs['imageName'].rpartition(':')[0]}@sha256:{'d' * 64}"}
    if resource.type.startswith("kubernetes:"):
        metadata = resource.inputs["metadata"]
        return {"metadata": {**metadata, "name": metadata.get("name", f"{resource.name}-1a2b3c4d")}}
    return clouds.outputs(resource)


class Engine:
    """Runs programs, each from nothing."""

    def run(
        self,
        program: Callable[[], Any],
        *,
        preview: bool = False,
        outputs: Callable[[Declared], Mapping[str, Any]] = provider_outputs,
        answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None,
    ) -> Declarations:
        """Run a program to its end and return what it declared. Raises what the program raises."""
        declared = Declarations()
        monitor = _Monitor(declared, outputs, {**clouds.ANSWERS, **(answers or {})})
        asyncio.set_event_loop(loop := asyncio.new_event_loop())
        try:
            loop.run_until_complete(self._run(program, declared, monitor, preview=preview))
        finally:
            loop.close()
            asyncio.set_event_loop(None)
        return declared

    async def _run(
        self,
        program: Callable[[], Any],
        declared: Declarations,
        monitor: _Monitor,
        *,
        preview: bool,
    ) -> None:
        runtime_settings.configure(
            mocks.MockSettings(
                monitor=monitor,
                engine=_Log(declared),
                project="ml-platform",
                stack="test",
                dry_run=preview,
                callbacks=_Hooks(declared),
            )
        )
        runtime_settings.set_root_resource(None)

        async def inside() -> None:
            stack = Stack()
            try:
                declared.result = program()
            finally:
                stack._finish()

        runtime_settings.SETTINGS.outputs.clear()  # what a run that failed has left
        try:
            await inside()
        finally:
            await self._drain()

    async def _drain(self) -> None:
        """Wait for all that was declared.

        All at once: the SDK itself waits for the first of all outputs, again and again, a third of a run's time.
        """
        await wait_for_rpcs(await_all_outstanding_tasks=False)
        outputs = runtime_settings.SETTINGS.outputs
        while pending := list(outputs):
            outputs.clear()
            await asyncio.gather(*pending)
            await wait_for_rpcs(await_all_outstanding_tasks=False)
