"""One stack in copies of the repository, with stand-ins, on an engine that keeps nothing."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from review.ended import ReviewError
from review.engine import Engine
from review.stand_ins import StandIns, stood_in
from sandbox.cluster.kubeconfig import CONTEXT
from sandbox.plugins.docker.context import BuildContext
from sandbox.plugins.environment import engine_environment
from sandbox.plugins.install import install_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from review.events import Outcome
    from sandbox.paths import Layout

__all__ = ["Stack", "read", "stack_file", "stacks_of"]


def stack_file(tree: Path, stack: str) -> Path:
    """Return the path of a stack's file, as Pulumi.yaml says where they are."""
    project = yaml.safe_load((tree / "Pulumi.yaml").read_text(encoding="utf-8"))
    return tree / (project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"


def stacks_of(tree: Path) -> list[str]:
    """Return the stacks that a tree has files of."""
    files = stack_file(tree, "any").parent.glob("Pulumi.*.yaml")
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files)


def read(file: Path) -> dict[str, Any] | None:
    """Read a stack's file; None where there is none. What is wrong in it, the program's own check says."""
    if not file.exists():
        return None
    found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


class Stack:
    """A stack of an empty backend; `kubeconfig` is that of the cluster that stands in for its own."""

    def __init__(self, name: str, layout: Layout, *, pulumi: Path, kubeconfig: Path) -> None:
        self.name = name
        self._kubeconfig = kubeconfig
        self._salt: str | None = None
        layout.backend.mkdir(parents=True)
        layout.passphrase.touch(mode=0o600)
        layout.passphrase.write_text(secrets.token_urlsafe(24))
        install_plugins(layout.pulumi_home, Path(sys.executable))
        # Nothing of the user's own Pulumi or cluster is to be found by what runs here.
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBE"))}
        self._engine = Engine(program=str(pulumi), environment=clean | engine_environment(layout, policy_pack=None))

    def enter(self, tree: Path) -> StandIns:
        """Write the stack's file in this copy anew, with stand-ins, and make the stack where it is not there yet."""
        file = stack_file(tree, self.name)
        digest = partial(_digest, tree)
        stood = stood_in(read(file) or {}, kubeconfig=str(self._kubeconfig), context=CONTEXT, digest=digest)
        if self._salt is None:
            file.unlink(missing_ok=True)
            self._engine.of(tree).call(tree, "stack", "init", self.name)
            self._salt = str((read(file) or {})["encryptionsalt"])
        file.write_text(yaml.safe_dump({**stood.document, "encryptionsalt": self._salt}, sort_keys=False))
        if stood.secrets:
            plain = [word for path, value in stood.secrets.items() for word in ("--secret", f"{path}={value}")]
            self._engine.of(tree).call(tree, "config", "set-all", "--path", *plain, "--stack", self.name)
        return stood

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that a plain `pulumi` on this stack needs, itself on the PATH."""
        found = {**self._engine.environment}
        found["PATH"] = os.pathsep.join([str(Path(self._engine.program).parent), found.get("PATH", os.defpath)])
        return found

    def command(self, tree: Path, *arguments: str) -> str:
        """Run any command on a copy. Raises ReviewError with the end of what it printed when it fails."""
        return self._engine.of(tree).call(tree, *arguments)

    def up(self, tree: Path, log: Path) -> Outcome:
        """Apply what a copy says; without policies, which the base has passed or been excused from."""
        return self._engine.of(tree).plan(tree, log, "up", "--yes", "--skip-preview", "--stack", self.name)

    def preview(self, tree: Path, log: Path) -> Outcome:
        """Preview what a copy says, with its own policy pack where it has one."""
        pack = tree / "policies"
        more = {"PULUMI_OPTION_POLICY_PACK": str(pack)} if pack.is_dir() else {}
        return self._engine.of(tree, **more).plan(tree, log, "preview", "--stack", self.name)


def _digest(tree: Path, build: Mapping[str, Any]) -> str:
    """Give the digest of all that a build can see and is told, in place of the image's."""
    folder = tree / str(build.get("context", "."))
    try:
        files = BuildContext(folder=folder, dockerfile=folder / str(build.get("dockerfile", "Dockerfile"))).digest()
    except OSError as error:
        raise ReviewError(f"build {build.get('context')}: {error}") from None
    return hashlib.sha256(f"{files} {json.dumps(build, sort_keys=True)}".encode()).hexdigest()
