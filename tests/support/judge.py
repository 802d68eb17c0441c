"""An independent judge of network policies: IBM's network-config-analyzer, from its published package.

It reads manifests and says who reaches whom, as an upstream implementation would let them; nothing of ours is asked.
It pins other versions of what we use ourselves, so that it has an environment of its own, made once from a lock.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.paths import REPOSITORY, cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOCK = REPOSITORY / "locks" / "judge.txt"
ALL = "all"


def judge() -> Path:
    """Give the analyzer's program; skip where its packages cannot be had."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = cache_directory() / "judge" / digest
    program = home / "bin" / "nca"
    if not program.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        shutil.rmtree(home, ignore_errors=True)
        for command in (
            ["venv", "-q", "--python", sys.executable, str(home)],
            ["pip", "install", "-q", "--require-hashes", "--python", str(home / "bin" / "python"), "-r", str(LOCK)],
        ):
            done = subprocess.run([uv, *command], capture_output=True, text=True, check=False)
            if done.returncode:
                shutil.rmtree(home, ignore_errors=True)
                pytest.skip(f"network-config-analyzer cannot be installed: {done.stderr[-500:]}")
    return program


def reachable(program: Path, manifests: Iterable[Mapping[str, Any]], directory: Path) -> dict[tuple[str, str], Any]:
    """Ask who reaches whom: ports by pair, pods as `namespace/name` and networks as they are written.

    `manifests` are namespaces, pods and policies. Ports are TCP, ALL for every one; a pair that is not there reaches
    nothing.
    """
    file = directory / "manifests.yaml"
    known = list(manifests)
    file.write_text(yaml.safe_dump_all(known))
    done = subprocess.run(
        [str(program), "--connectivity", str(file), "-r", str(file), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "explanation" in done.stdout, done.stdout + done.stderr
    [query], _ = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("[\n") :])
    pods = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in known if one["kind"] == "Pod"]
    found: dict[tuple[str, str], Any] = {}
    for rule in (rule for part in query["explanation"] for rule in part["rules"]):
        ports = _ports(rule["connection"])
        for source in _ends(rule, "src", pods):
            for destination in _ends(rule, "dst", pods):
                before = found.get((source, destination), set())
                found[source, destination] = ALL if ALL in (before, ports) else before | ports
    return {pair: ports for pair, ports in found.items() if ports}


def _ends(rule: Mapping[str, Any], side: str, pods: list[tuple[str, str]]) -> Iterator[str]:
    if f"{side}_ip_block" in rule:
        yield from rule[f"{side}_ip_block"]
        return
    for namespace, name in pods:
        if namespace in rule[f"{side}_ns"] and {"*", name} & set(rule[f"{side}_pods"]):
            yield f"{namespace}/{name}"


def _ports(connections: list[Any]) -> Any:
    ports: set[int] = set()
    for connection in connections:
        if connection == "All connections":
            return ALL
        if "TCP" in connection["protocols"]:
            ports |= {int(port) for port in connection.get("dst_ports", ())}
    return ports
