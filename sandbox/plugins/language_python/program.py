"""Run one Pulumi program: the script that the language host starts with the project's own Python.

It is run by its path, since the project's environment need not have the sandbox installed, and reads
what to do as one JSON document from standard input: configuration there has no limit of size, and no
secret stands in an environment that every child would inherit.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

__all__ = ["BAIL", "main"]

# The program failed and has said why: the host reports nothing further.
BAIL = 32
# What a shell reports for a process that SIGINT ended.
_INTERRUPTED = 130
_PR_SET_PDEATHSIG = 1
# Threads per parallel operation, as in the SDK's own runner: a registration may wait in one.
_THREADS_PER_OPERATION = 4
# Objects made before the collector looks for cycles; Python's own is 700. A program imports an SDK and declares objects
# that stay until it ends: looking through them again and again took an eighth of its time and found nothing.
_COLLECT_AFTER = 50_000


def main() -> int:
    """Run the program that standard input describes and return its exit code."""
    run: dict[str, Any] = json.load(sys.stdin)
    _die_with(run["host"])
    gc.set_threshold(_COLLECT_AFTER)
    # Python put this script's own directory first; what it holds must not shadow the project's modules.
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    try:
        import pulumi  # only the project's environment may have it; its absence is the user's to mend
    except ImportError:
        traceback.print_exc()
        print(f"The Pulumi SDK is not installed for {sys.executable}. Have you run `pulumi install`?", file=sys.stderr)  # noqa: T201
        return 1
    program = Path(run["program"])
    os.chdir(run["directory"])
    sys.argv = [str(program), *run["arguments"]]
    _configure(run)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a failed run leaves awaitables behind; that is no news
    try:
        _execute(program, workers=max(run["parallel"], 1) * _THREADS_PER_OPERATION)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return BAIL  # its sentence is all there is to say; "exit code 1" below it would look like a second failure
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:  # noqa: BLE001  # whatever the user's program raised
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_traceback(program)}")
        return BAIL
    return 0


def _configure(run: dict[str, Any]) -> None:
    import pulumi.runtime

    pulumi.runtime.set_all_config(run["config"], run["secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=run["project"],
            stack=run["stack"],
            organization=run["organization"],
            monitor=run["monitor"],
            engine=run["engine"],
            parallel=run["parallel"],
            dry_run=run["dry_run"],
            root_directory=run["root"],
        )
    )


def _execute(program: Path, *, workers: int) -> None:
    """Run the program inside a stack resource, and wait for all that it registered."""
    import pulumi.runtime

    def run() -> None:
        if program.is_dir():
            if not (program / "__main__.py").is_file():
                raise pulumi.RunError(f"no __main__.py in {program}: Pulumi.yaml's `main` names where the program is")
        else:
            sys.path.insert(
                0, str(program.parent)
            )  # as `python program.py` would; run_path does it for directories only
        runpy.run_path(str(program), run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=workers)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)  # threads may wait for an engine that has stopped listening
    finally:
        executor.shutdown()
        loop.close()


def _traceback(program: Path) -> str:
    """Return the current exception from the user's first frame on: the frames above it are all ours."""
    _, error, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)
    start = next((index for index, frame in enumerate(frames) if Path(frame.filename).is_relative_to(program)), 0)
    return traceback.format_exc(limit=start - len(frames)) if error and start else traceback.format_exc()


def _die_with(host: int) -> None:
    """Have the kernel end this process when the language host is gone, so that no program runs on by itself.

    Source: prctl(2), PR_SET_PDEATHSIG; Linux only, elsewhere the loss of the engine's monitor ends the program.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != host:
            sys.exit(1)  # it went before the kernel was told


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    gc.freeze()  # or Python looks through all of it once more on its way out: a fifth of a small program's time
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
