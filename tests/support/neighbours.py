"""What somebody may have on a machine before a sandbox comes: it must be the same when the sandbox has gone.

Run as a program it is the neighbour itself: `neighbours.py PORT...` answers on each of them, on every address, so that
whoever took one for free would not get it.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where a registry, an API server, a kubelet, etcd and a first web server listen unless they are told otherwise.
PORTS = (5000, 6443, 10250, 2379, 8080)
# What ends processes by name would end these: they bear the names of the sandbox's own.
NAMES = ("etcd", "kubelet", "containerd")
# A test run that is killed leaves none of them.
MORTAL = ("setpriv", "--pdeathsig", "KILL")
# Links and tables of this name are left out where a machine is compared as a whole: another run may have them too.
PREFIX = "neighbour"


class Neighbours:
    """A registry, a cluster's ports, processes, and for root a link and a firewall table."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.name = f"{PREFIX}{os.getpid() % 100000}"
        self.devices = os.geteuid() == 0 and bool(shutil.which("ip")) and bool(shutil.which("nft"))

    def start(self) -> None:
        ports = [str(port) for port in PORTS if not _taken(port)]  # a real neighbour is as good
        server = [*MORTAL, sys.executable, __file__, *ports]
        self.processes["server"] = subprocess.Popen(server, stdout=subprocess.PIPE)
        self.processes["server"].stdout.readline()
        for name in NAMES:
            program = self.directory / name
            shutil.copy2(shutil.which("sleep"), program)
            self.processes[name] = subprocess.Popen([*MORTAL, program, "7200"], cwd=self.directory)
        if self.devices:
            subprocess.run(["ip", "link", "add", self.name, "type", "bridge"], check=True)
            table = f"table inet {self.name} {{ chain theirs {{ tcp dport 5000 accept; }}; }}"
            subprocess.run(["nft", table], check=True)

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.communicate()
        if self.devices:
            subprocess.run(["ip", "link", "delete", self.name], check=False)
            subprocess.run(["nft", "delete", "table", "inet", self.name], check=False)

    def seen(self) -> dict[str, object]:
        """Return all that can be told of them, comparable."""
        found: dict[str, object] = {f"port {port}": _answer(port) for port in PORTS}
        for name, process in self.processes.items():
            with contextlib.suppress(psutil.Error):
                their = psutil.Process(process.pid)
                found[name] = (their.pid, their.create_time(), their.status() != psutil.STATUS_ZOMBIE)
        if self.devices:
            found["link"] = _printed("ip", "link", "show", self.name)
            found["table"] = _printed("nft", "list", "table", "inet", self.name)
        return found


@contextmanager
def neighbours(directory: Path) -> Iterator[Neighbours]:
    """Have neighbours for as long as it lasts; `directory` is theirs."""
    directory.mkdir(parents=True, exist_ok=True)
    those = Neighbours(directory)
    try:
        those.start()
        yield those
    finally:
        those.stop()


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return True
    return False


def _answer(port: int) -> str:
    """Return what is answered there, as a registry's client would ask."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/v2/", timeout=5) as response:
            return response.read().decode(errors="replace")
    except OSError as error:
        return str(error)


class Registry(http.server.BaseHTTPRequestHandler):
    """As much of a registry as its version check."""

    def do_GET(self) -> None:
        body = f"{{}} of process {os.getpid()}, port {self.server.server_port}".encode()
        self.send_response(200)
        self.send_header("docker-distribution-api-version", "registry/2.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: what is asked is the test's own business."""


def main() -> None:
    for port in sys.argv[1:]:
        server = http.server.ThreadingHTTPServer(("0.0.0.0", int(port)), Registry)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
