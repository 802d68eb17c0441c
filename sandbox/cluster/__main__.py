"""`python -m sandbox.cluster`: a bare control plane in a directory, for trying something."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from sandbox.cluster.control_plane import BINARIES, ControlPlane
from sandbox.cluster.programs import cached_programs
from sandbox.process import ProcessError


def main() -> int:
    """Run a control plane in a directory until it is interrupted: a cluster for a test, started in seconds."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.cluster",
        description="Run etcd, kube-apiserver, kube-controller-manager and kube-scheduler on free loopback ports, "
        "from the tools that are in the cache, until SIGINT or SIGTERM. Prints the path of the administrator's "
        "kubeconfig (context 'sandbox') when the API server is ready. Data stay in DIR for the next run.",
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="where certificates, data and logs are kept")
    parser.add_argument("--no-controllers", action="store_true", help="etcd and kube-apiserver only")
    arguments = parser.parse_args()
    binaries = cached_programs(BINARIES)
    missing = sorted(set(BINARIES) - set(binaries))
    if missing:
        parser.exit(1, f"not in the cache: {', '.join(missing)}; `make up` builds them\n")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    plane = ControlPlane(arguments.directory, binaries, controllers=not arguments.no_controllers, report=_print)
    try:
        plane.start()
        _print(str(plane.kubeconfig))
        ended.wait()
    except ProcessError as error:
        parser.exit(1, f"{error}\n")
    finally:
        plane.stop()
    return 0


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
