"""The programs that the sandbox runs, each from the first source that answers."""

from __future__ import annotations

from sandbox.tools.errors import ToolError
from sandbox.tools.providing import ProvidedTool, provide

__all__ = ["ProvidedTool", "ToolError", "provide"]
