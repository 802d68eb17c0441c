"""Put the sandbox's plugins where the engine looks for installed ones.

A plugin in `$PULUMI_HOME/plugins/<kind>-<name>-v<version>/` counts as installed: it has a version and
no command warns of it, which one found on PATH does.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["PLUGINS", "Plugin", "install_plugins"]


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One plugin of ours: what the engine calls it, and the module that is it."""

    kind: str
    name: str
    distribution: str
    module: str

    @property
    def version(self) -> str:
        """The version of the SDK package that asks for it: the one that is installed beside us."""
        return metadata.version(self.distribution)

    @property
    def directory(self) -> str:
        """The name of its folder under `plugins/`."""
        return f"{self.kind}-{self.name}-v{self.version}"

    @property
    def executable(self) -> str:
        """The name of the file that the engine starts."""
        return f"pulumi-{self.kind}-{self.name}"


PLUGINS = (
    Plugin(kind="language", name="python", distribution="pulumi", module="sandbox.plugins.language_python"),
    Plugin(kind="resource", name="kubernetes", distribution="pulumi-kubernetes", module="sandbox.plugins.kubernetes"),
    Plugin(kind="resource", name="docker", distribution="pulumi-docker", module="sandbox.plugins.docker"),
)


def install_plugins(pulumi_home: Path, python: Path) -> list[Path]:
    """Install all plugins to run with `python`, and return their executables.

    May be called again at any time, by several processes at once: each file is replaced whole, and a
    file that is right already is not touched. An official plugin that stands there already stays.

    Args:
        pulumi_home: PULUMI_HOME of the engine that is to find them.
        python: the interpreter whose environment has this package; a link such as `.venv/bin/python`
            is kept as it is, since resolving it would leave the environment.

    """
    installed = []
    for plugin in PLUGINS:
        executable = pulumi_home / "plugins" / plugin.directory / plugin.executable
        executable.parent.mkdir(parents=True, exist_ok=True)
        # -I: neither the working directory, which is the user's project, nor PYTHONPATH may shadow a module of ours.
        _write(executable, f'#!/bin/sh\nexec {shlex.quote(str(python.absolute()))} -I -m {plugin.module} "$@"\n')
        installed.append(executable)
    _keep_no_log(pulumi_home)
    return installed


def _keep_no_log(pulumi_home: Path) -> None:
    """Leave the engine no directory for its log of every command, which is a third of its work and holds all it saw.

    Each property goes into it, compressed and, once the stack's secrets provider is known, encrypted. There is no
    setting against it; where a file stands in its way the engine does without. `pulumi --logtostderr -v=9` still tells.
    """
    logs = pulumi_home / "logs"
    if logs.is_dir():
        shutil.rmtree(logs, ignore_errors=True)  # of a sandbox from before
    logs.touch(mode=0o400)


def _write(path: Path, text: str) -> None:
    """Write an executable script in one step, so that an engine never starts half of it.

    What is there and no script is the official plugin, which does more than ours.
    """
    present = path.read_bytes() if path.is_file() else b"#!"
    if not present.startswith(b"#!") or (present == text.encode() and os.access(path, os.X_OK)):
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).chmod(0o755)
    Path(name).replace(path)
