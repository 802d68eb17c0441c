"""`python3 -m sandbox.bootstrap`: the project's own environment, from nothing but Python.

Runs with the system's Python, before anything is installed: the standard library only, and the imports of
our own parts stand behind the check of Python's version, so that an old one is told so in a sentence.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

__all__ = ["ensure_environment", "main"]

_REPOSITORY = Path(__file__).resolve().parent.parent
_OLDEST_PYTHON = (3, 11)  # pyproject.toml: requires-python


def ensure_environment(repository: Path, *, test: bool) -> bool:
    """Make `.venv` what the lock file says, and return whether anything had to be done.

    The test set includes the run set, so an environment that has it keeps it: `make up` after `make test`
    takes nothing away.
    """
    # Here and not above: an old Python cannot even import them.
    from sandbox.paths import cache_directory
    from sandbox.tools.cache import locked

    key = hashlib.sha256(str(repository).encode()).hexdigest()[:16]
    with locked(cache_directory() / "locks" / f"environment-{key}", "the environment", _say):
        return _ensure(repository, test=test)


def _ensure(repository: Path, *, test: bool) -> bool:
    from sandbox.tools.errors import ToolError
    from sandbox.tools.running import run_reporting
    from sandbox.tools.uv import provide_uv, uv_environment

    environment = repository / ".venv"
    python = environment / "bin" / "python"
    stamp = environment / "ml-platform.json"
    kind = "test" if test or _is_test_set(environment, stamp) else "run"
    wanted = _wanted(repository, kind)
    if os.access(python, os.X_OK) and _read(stamp) == wanted:
        return False
    began = time.monotonic()
    uv = str(provide_uv(report=_say))
    _say(f"environment: installing locks/{kind}.txt into .venv")
    stamp.unlink(missing_ok=True)
    steps = [
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), f"locks/{kind}.txt"],
        [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "--editable", "."],
    ]
    steps[1] += ["--build-constraints", "locks/build.txt"]
    if not os.access(python, os.X_OK):
        steps.insert(0, [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(environment)])
    for step in steps:
        failure = run_reporting(
            step, doing="environment: installing", report=_say, env=uv_environment(), cwd=repository
        )
        if failure:
            raise ToolError(f"the environment cannot be installed ({' '.join(step[1:3])}):\n{failure}")
    stamp.write_text(json.dumps(wanted, indent=1) + "\n")
    _say(f"environment: ready in {time.monotonic() - began:.0f} s")
    return True


def _wanted(repository: Path, kind: str) -> dict[str, str]:
    content = b"".join(
        (repository / name).read_bytes() for name in (f"locks/{kind}.txt", "locks/build.txt", "pyproject.toml")
    )
    return {"set": kind, "content": hashlib.sha256(content).hexdigest(), "repository": str(repository)}


def _is_test_set(environment: Path, stamp: Path) -> bool:
    """Return whether the environment has the test set, by its stamp or, made by hand, by what is in it."""
    written = _read(stamp)
    return written["set"] == "test" if "set" in written else (environment / "bin" / "pytest").exists()


def _read(stamp: Path) -> dict[str, str]:
    try:
        written = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def _say(text: str) -> None:
    print(f"  {text}", flush=True)  # noqa: T201 - this is a command


def main() -> int:
    """Run the command; a failure is a sentence, never a traceback."""
    arguments = argparse.ArgumentParser(prog="python3 -m sandbox.bootstrap", description=__doc__)
    arguments.add_argument("--test", action="store_true", help="with what the tests need")
    test = arguments.parse_args().test
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(str(part) for part in _OLDEST_PYTHON)
        found = ".".join(str(part) for part in sys.version_info[:3])
        print(  # noqa: T201
            f"error: Python {oldest} or newer is needed; {sys.executable} is {found}. Install a newer one and name it: "
            "make PYTHON=/path/to/python3 ...",
            file=sys.stderr,
        )
        return 1
    from sandbox.tools.errors import ToolError

    try:
        ensure_environment(_REPOSITORY, test=test)
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run it again to go on from here", file=sys.stderr)  # noqa: T201
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
