"""Show whether a stack has room, without engine, cluster or passphrase: `python -m infra.capacity prod --json`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.capacity import lines, prove, values
from infra.settings import Document, Settings, SettingsError, stack_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Show one stack's capacity proof; return the exit code.

    0: there is room, or no pools to speak of. 1: there is none, or the configuration is wrong. 2: no such file.
    """
    parser = argparse.ArgumentParser(
        prog="python -m infra.capacity",
        description="Whether what a stack declares finds room on the pools of nodes that it declares.",
        epilog="exit code: 0 room, 1 none or mistakes, 2 no such file",
    )
    parser.add_argument("stack", help="prod, or the path of a stack's file")
    parser.add_argument("--json", action="store_true", help="the whole proof, for programs")
    chosen = parser.parse_args(arguments)
    named = str(chosen.stack)
    path = Path(named) if named.endswith((".yaml", ".yml")) else stack_file(_ROOT, named)
    try:
        document = Document.read(path, path.name)
        proof = prove(Settings.of(document))
    except OSError as error:
        sys.stderr.write(f"{path}: cannot be read: {error.strerror}\n")
        return 2
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if proof is None:
        sys.stdout.write("null\n" if chosen.json else f"{path.name}: no cluster.nodePools, so nothing can be proved\n")
        return 0
    text = json.dumps(values(proof), indent=2) if chosen.json else "\n".join(lines(proof))
    sys.stdout.write(f"{text}\n")
    mistakes = [document.placed(mistake) for mistake in proof.mistakes]
    sys.stderr.writelines(f"{mistake}\n" for mistake in mistakes)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
