"""The engine's messages and services, from the installed SDK, without loading the SDK itself.

`import pulumi.runtime.proto` runs `pulumi/__init__.py` first: 0.7 s of processor for what a plugin
never uses, and the engine starts plugins at every command, the language host twice. Only the generated
modules are loaded here, under their ordinary names, so that a later `import pulumi` still works.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "resource_pb2",
]

_PARENTS = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


@contextmanager
def _empty_parents() -> Iterator[None]:
    """Stand empty packages in for the parents of the generated modules, unless the SDK is loaded already."""
    spec = importlib.util.find_spec("pulumi")
    if "pulumi" in sys.modules or spec is None or not spec.submodule_search_locations:
        yield  # loaded: nothing to save; absent: the import below says so
        return
    sdk = Path(spec.submodule_search_locations[0])
    for name in _PARENTS:
        package = ModuleType(name)
        package.__path__ = [str(sdk.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in _PARENTS:
            del sys.modules[name]


with _empty_parents():
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        language_pb2,
        language_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        resource_pb2,
    )
