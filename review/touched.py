"""Which environments a change touches. Pure but for looking which stacks there are."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["removed", "touched"]

# What every stack's plan is made from; anything else (tests, pages, the sandbox) changes no plan.
_SHARED = ("infra", "components", "policies", "examples", "locks", "Pulumi.yaml", "pyproject.toml")


def touched(repository: Path, files: Iterable[str]) -> list[str]:
    """Return the stacks whose own file is among these, or all where something is that all of them share."""
    paths = [PurePosixPath(file) for file in files]
    known = sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in repository.glob("stacks/Pulumi.*.yaml")
    )
    known = [stack for stack in known if stack != "local"]  # a sandbox's own, which git ignores
    if any(path.parts[0] in _SHARED for path in paths):
        return known
    changed = {path.name for path in paths if path.parts[0] == "stacks"}
    return [stack for stack in known if f"Pulumi.{stack}.yaml" in changed]


def removed(repository: Path, files: Iterable[str]) -> list[str]:
    """Return the stacks whose file is among these and is there no more."""
    paths = [PurePosixPath(file) for file in files]
    gone = [path for path in paths if path.match("stacks/Pulumi.*.yaml") and not (repository / path).exists()]
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in gone]
