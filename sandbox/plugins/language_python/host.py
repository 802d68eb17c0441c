# ruff: noqa: ARG002, N802  # the names and parameters are the protocol's
"""The LanguageRuntime service for Python projects."""

from __future__ import annotations

import os
import signal
import threading
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format

from sandbox.plugins.language_python.dependencies import install
from sandbox.plugins.language_python.distributions import installed, required_providers
from sandbox.plugins.language_python.interpreter import Interpreter, OptionError
from sandbox.plugins.language_python.processes import Chunk, Processes
from sandbox.plugins.language_python.program import BAIL
from sandbox.plugins.protocol import language_pb2, language_pb2_grpc, plugin_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LanguageHost"]

_PLUGIN_KINDS = ("analyzer", "resource")


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs, policy packs and providers for one engine."""

    def __init__(self, *, engine_address: str) -> None:
        self._engine_address = engine_address
        self._processes = Processes()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End all that was started, within the engine's patience."""
        self._stopping.set()
        self._processes.stop()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Take the engine's address, from an engine that attached to a host it did not start."""
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Report the SDK's version: the engine, the SDK and this host are one release."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Name the providers that the project's installed packages talk to, with their versions."""
        interpreter = _interpreter(request.info, context)
        answer = language_pb2.GetRequiredPackagesResponse()
        for provider in required_providers(interpreter.site_packages()):
            package = answer.packages.add(
                name=provider.name, kind="resource", version=provider.version, server=provider.server
            )
            if provider.parameterization is not None:
                package.parameterization.name = provider.parameterization.name
                package.parameterization.version = provider.parameterization.version
                package.parameterization.value = provider.parameterization.value
        return answer

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """Answer as GetRequiredPackages does, for engines that ask the older question."""
        interpreter = _interpreter(request.info, context)
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(name=p.name, kind="resource", version=p.version, server=p.server)
                for p in required_providers(interpreter.site_packages())
            ]
        )

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """List the packages installed in the project's environment."""
        packages = installed(
            _interpreter(request.info, context).site_packages(), transitive=request.transitiveDependencies
        )
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=p.name, version=p.version) for p in packages]
        )

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """Report the project's Python."""
        interpreter = _interpreter(request.info, context)
        return language_pb2.AboutResponse(
            executable=str(interpreter.python),
            version=interpreter.version(),
            metadata={"toolchain": interpreter.toolchain, "host": "ml-platform sandbox"},
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Make the project's environment and install what it declares, showing the tools' own output."""
        interpreter = _interpreter(request.info, context, must_exist=False)
        for chunk in install(
            interpreter,
            self._processes,
            project=Path(request.info.program_directory),
            root=Path(request.info.root_directory),
            cancelled=_cancellation(context),
        ):
            if isinstance(chunk, Chunk):
                yield language_pb2.InstallDependenciesResponse(**{chunk.stream: chunk.data})
            elif chunk:
                context.abort(grpc.StatusCode.UNKNOWN, f"installing dependencies failed with exit code {chunk}")

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run a program in a process of its own and report how it ended."""
        if request.attach_debugger:
            return language_pb2.RunResponse(error="the sandbox's language host cannot attach a debugger")
        try:
            interpreter = _resolve(request.info).require()
        except OptionError as error:
            return language_pb2.RunResponse(error=str(error))
        code = self._processes.run_program(
            interpreter.python, self._instructions(request), environment=interpreter.environment(os.environ)
        )
        if code == 0:
            return language_pb2.RunResponse()
        if code == BAIL or self._stopping.is_set():
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with {_how(code)}")

    def _instructions(self, request: language_pb2.RunRequest) -> dict[str, Any]:
        """Return what `program.py` reads from standard input."""
        directory = Path(request.info.program_directory)
        return {
            "root": request.info.root_directory,
            "program": os.path.normpath(directory / request.info.entry_point),
            "directory": request.pwd or str(directory),
            "arguments": list(request.args),
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
            "dry_run": request.dryRun,
            "parallel": request.parallel,
            "monitor": request.monitor_address,
            "engine": self._engine_address,
        }

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or a provider written in Python, streaming its output and at last its exit code."""
        if request.kind not in _PLUGIN_KINDS:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"plugins of kind {request.kind!r} are not supported")
        interpreter = _interpreter(request.info, context)
        directory = os.path.normpath(Path(request.info.program_directory) / request.info.entry_point)
        arguments = list(request.args)
        command = [str(interpreter.python), "-u"]
        if request.kind == "analyzer":
            command += ["-m", "pulumi.policy", *arguments, directory]
        else:
            command += [directory, *arguments]
        given = dict(entry.split("=", 1) for entry in request.env)
        # `-m` would put the working directory, which is the program's, before the pack's own modules.
        environment = interpreter.environment(given) | {"PYTHONSAFEPATH": "1"}
        for chunk in self._processes.stream(
            command, environment=environment, directory=Path(request.pwd), cancelled=_cancellation(context)
        ):
            if not isinstance(chunk, Chunk):
                yield language_pb2.RunPluginResponse(exitcode=chunk)
            elif chunk.stream == "stdout":
                yield language_pb2.RunPluginResponse(stdout=chunk.data)
            else:
                yield language_pb2.RunPluginResponse(stderr=chunk.data)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Interrupt what runs: the engine has been told to stop."""
        self._stopping.set()
        self._processes.interrupt()
        return empty_pb2.Empty()


def _resolve(info: language_pb2.ProgramInfo) -> Interpreter:
    return Interpreter.of(Path(info.root_directory), json_format.MessageToDict(info.options))


def _interpreter(
    info: language_pb2.ProgramInfo, context: grpc.ServicerContext, *, must_exist: bool = True
) -> Interpreter:
    """Return the project's Python, or end the call with the reason why there is none."""
    try:
        interpreter = _resolve(info)
        return interpreter.require() if must_exist else interpreter
    except OptionError as error:
        _refuse(context, str(error))


def _refuse(context: grpc.ServicerContext, reason: str) -> NoReturn:
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)
    raise AssertionError("abort raises")


def _cancellation(context: grpc.ServicerContext) -> threading.Event:
    """Return an event that is set when the engine gives the call up."""
    event = threading.Event()
    if not context.add_callback(event.set):
        event.set()  # it was over before we could ask
    return event


def _how(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
