"""The engine's messages and its service for packs, from the installed SDK, without loading the SDK itself.

`import pulumi` runs much that a pack never uses, and takes longer than judging a thousand resources. The generated
modules alone are loaded, under their ordinary names, so that a later `import pulumi` still works.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["analyzer_pb2", "analyzer_pb2_grpc", "plugin_pb2"]

_PARENTS = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def _stand_in() -> list[str]:
    """Put empty packages in the place of the generated modules' parents, unless the SDK is loaded or not there."""
    found = importlib.util.find_spec("pulumi")
    if "pulumi" in sys.modules or found is None or not found.submodule_search_locations:
        return []
    [where] = found.submodule_search_locations
    for name in _PARENTS:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(Path(where, *name.split(".")[1:]))]
    return list(_PARENTS)


_stood_in = _stand_in()
try:
    from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2
finally:
    for _name in _stood_in:
        del sys.modules[_name]
