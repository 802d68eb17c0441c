"""Which Python runs a project: the runtime options of Pulumi.yaml, as the official host reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Interpreter", "OptionError"]

_TOOLCHAINS = ("pip", "uv")
_DEFAULT_UV_ENVIRONMENT = ".venv"


class OptionError(Exception):
    """Runtime options that cannot be followed, or an environment that is not there."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python of one project: its virtual environment, or the one on PATH."""

    python: Path
    virtualenv: Path | None
    toolchain: str = "pip"

    @classmethod
    def of(cls, root: Path, options: Mapping[str, Any]) -> Interpreter:
        """Return the Python that `runtime.options` asks for; `virtualenv` is relative to the project's root.

        Raises:
            OptionError: an unknown toolchain, or no Python at all.

        """
        toolchain = options.get("toolchain") or "pip"
        if toolchain not in _TOOLCHAINS:
            raise OptionError(
                f"runtime.options.toolchain: {toolchain!r} is not supported by the sandbox's language host; "
                f"known: {', '.join(_TOOLCHAINS)}"
            )
        name = options.get("virtualenv") or (_DEFAULT_UV_ENVIRONMENT if toolchain == "uv" else "")
        if name:
            virtualenv = root / name
            return cls(python=virtualenv / "bin" / "python", virtualenv=virtualenv, toolchain=toolchain)
        found = shutil.which(os.environ.get("PULUMI_PYTHON_CMD", "python3")) or shutil.which("python")
        if found is None:
            raise OptionError("no Python on PATH; name one with runtime.options.virtualenv in Pulumi.yaml")
        return cls(python=Path(found), virtualenv=None, toolchain=toolchain)

    def require(self) -> Interpreter:
        """Return this interpreter if it exists.

        Raises:
            OptionError: the virtual environment has no Python; says how to make it.

        """
        if not self.python.is_file():
            raise OptionError(
                f"the environment that runtime.options.virtualenv names has no Python: {self.python}; "
                "`pulumi install` makes it"
            )
        return self

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` as an activated virtual environment would have it, so that a program finds its tools."""
        environment = dict(base)
        if self.virtualenv is not None:
            environment["VIRTUAL_ENV"] = str(self.virtualenv)
            environment["PATH"] = os.pathsep.join([str(self.python.parent), base.get("PATH", os.defpath)])
            environment.pop("PYTHONHOME", None)
        return environment

    def site_packages(self) -> list[str]:
        """Return the directories that this Python installs into, read without starting it where possible.

        Starting an interpreter costs more than all that the host does with the answer, at every command.
        """
        if self.virtualenv is not None:
            found = sorted(str(path) for path in self.virtualenv.glob("lib*/python3*/site-packages"))
            if found:
                return found
        script = "import json, sys; print(json.dumps([p for p in sys.path if p]))"
        return [str(path) for path in _answer(self.python, script)]

    def version(self) -> str:
        """Return the version of this Python, such as 3.11.7, from its environment's own note where there is one.

        The engine asks at every command.
        """
        if self.virtualenv is not None and (note := self.virtualenv / "pyvenv.cfg").is_file():
            settings = dict(line.split("=", 1) for line in note.read_text().splitlines() if "=" in line)
            known = {name.strip(): value.strip() for name, value in settings.items()}
            # `venv` writes the first, virtualenv and uv the second, which may have a release level at its end.
            version = known.get("version") or ".".join(known.get("version_info", "").split(".")[:3])
            if version:
                return version
        return str(_answer(self.python, "import json, platform; print(json.dumps(platform.python_version()))"))


def _answer(python: Path, script: str) -> Any:
    import json  # two rare calls need it, every start would pay

    done = subprocess.run([python, "-I", "-c", script], check=True, capture_output=True, text=True, timeout=30)
    return json.loads(done.stdout)
