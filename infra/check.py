"""Check a stack's configuration without engine, cluster or passphrase: `python -m infra.check prod`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.settings import Document, Model, Settings, SettingsError, stack_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check", "main"]

_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Check stacks by name or by file; return the exit code.

    0: all are right. 1: there are mistakes, all of them printed. 2: a stack's file cannot be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m infra.check",
        description="Check the configuration of stacks: every mistake with its line, before anything is touched.",
        epilog="exit code: 0 right, 1 mistakes, 2 no such file",
    )
    parser.add_argument("stacks", nargs="*", metavar="stack", help="prod, or the path of a stack's file; default: all")
    chosen: list[str] = parser.parse_args(arguments).stacks
    return max((check(path) for path in _files(chosen)), default=0)


def check(path: Path) -> int:
    """Check one stack's file and print what was found: one line where all is right, else one a mistake."""
    name = _shown(path)
    try:
        document = Document.read(path, name)
    except OSError as error:
        return _say(f"{name}: cannot be read: {error.strerror}; stacks here: {', '.join(_known())}", code=2)
    try:
        settings = Settings.of(document)
        _room(settings, document)
    except SettingsError as error:
        count = len(error.mistakes)
        return _say(f"{error}\n{name}: {count} mistake{'s' if count > 1 else ''}", code=1)
    return _say(f"{name}: right: {_summary(settings)}", code=0)


def _room(settings: Settings, document: Document) -> None:
    """Raise SettingsError where pools of nodes are declared and what else is declared finds no room on them."""
    from infra.capacity import prove

    proof = prove(settings)
    if proof is not None and (mistakes := proof.mistakes):
        raise SettingsError(document.placed(mistake) for mistake in mistakes)


def _summary(settings: Settings) -> str:
    serving = ", ".join(f"{name} {model.serving}{_share(model)}" for name, model in settings.models.items())
    teams = ", ".join(settings.teams) or "none"
    return f"environment {settings.environment}; teams {teams}; serving {serving or 'nothing'}"


def _share(model: Model) -> str:
    """Say in which slot a version serves, and what share of the requests the other slot's gets."""
    if model.strategy != "blue-green":
        return ""
    percent = 0 if model.canary is None else model.canary.percent
    canary = f" ({percent} % to {model.slots.version(model.idle_slot)})" if percent else ""
    return f" in {model.active}{canary}"


def _files(chosen: Sequence[str]) -> list[Path]:
    """Return the files of these stacks; a name with a suffix is a file's, as another tool would take it."""
    return [Path(name) if name.endswith((".yaml", ".yml")) else stack_file(_ROOT, name) for name in chosen or _known()]


def _known() -> list[str]:
    folder = stack_file(_ROOT, "any").parent
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def _shown(path: Path) -> str:
    absolute = path.resolve()
    return str(absolute.relative_to(_ROOT)) if absolute.is_relative_to(_ROOT) else str(path)


def _say(text: str, *, code: int) -> int:
    (sys.stderr if code else sys.stdout).write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
