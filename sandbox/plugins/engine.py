"""Messages to the person who runs the engine: lasting ones, and status lines that replace each other."""

from __future__ import annotations

import threading

import grpc

from sandbox.plugins.protocol import engine_pb2, engine_pb2_grpc

__all__ = ["Engine"]


class Engine:
    """The engine's log, as far as a provider uses it; without an address every message is dropped."""

    def __init__(self, address: str = "") -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._status: dict[str, str] = {}
        self._warned: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.attach(address)

    def attach(self, address: str) -> None:
        """Talk to the engine at this address from now on."""
        if address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def info(self, urn: str, text: str) -> None:
        """Add a line to the resource's diagnostics."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=False)

    def warn(self, urn: str, text: str) -> None:
        """Add a warning to the resource's diagnostics, once however often it comes up in one run."""
        with self._lock:
            if (urn, text) in self._warned:
                return
            self._warned.add((urn, text))
        self._log(engine_pb2.WARNING, urn, text, ephemeral=False)

    def status(self, urn: str, text: str) -> None:
        """Show what is being waited for beside the resource; the empty text clears it.

        A line that is already there is not sent again: waiting code may call this at every poll.
        """
        with self._lock:
            if self._status.get(urn, "") == text:
                return
            self._status[urn] = text
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=10)  # the engine answers at once or is gone
        except grpc.RpcError:
            return  # a message that cannot be shown must not fail the work it speaks of
