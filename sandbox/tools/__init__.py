"""The programs that the sandbox runs, each from the first source that answers."""

from __future__ import annotations

from sandbox.tools.errors import ToolError
from sandbox.tools.providing import ProvidedTool, at_hand, provide

__all__ = ["ProvidedTool", "ToolError", "at_hand", "provide"]
