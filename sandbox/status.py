"""`python -m sandbox status`: each process, how it is, and why nodes are what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from sandbox.cluster import Cluster, choose_nodes
from sandbox.images import DockerEngine

if TYPE_CHECKING:
    from rich.console import Console

    from sandbox.paths import Layout
    from sandbox.process import ProcessStatus

__all__ = ["show_status"]


def show_status(layout: Layout, console: Console) -> int:
    """Print the table and return the exit code: 0 when all is well, 1 when a process is not, 3 when nothing is up."""
    nodes = choose_nodes(layout)
    console.print(f"nodes: {nodes.kind}, because {nodes.why}", soft_wrap=True)
    if not layout.kubeconfig.exists():
        console.print("nothing is up; `make up` starts it")
        return 3
    cluster = Cluster(layout, nodes=nodes, report=console.print)
    found = cluster.status()
    if any(one.name == "traefik" for one in found):
        console.print(f"gateway: {cluster.gateway}, which serves each route under its own host", soft_wrap=True)
    else:
        why = f"with {nodes.kind} nodes nothing serves routes" if cluster.gateway is None else "it was not started yet"
        console.print(f"gateway: none, {why}", soft_wrap=True)
    if nodes.kind == "real":
        found = [*found, DockerEngine(layout, insecure_registries=[], report=console.print).status()]
    shown = Table(box=None, pad_edge=False)
    for heading in ("process", "pid", "health", "memory", "up for", "restarts"):
        shown.add_column(heading, justify="left" if heading in ("process", "health") else "right")
    for one in found:
        shown.add_row(*_row(one))
    console.print(shown)
    return 0 if all(one.healthy for one in found) else 1


def _row(one: ProcessStatus) -> tuple[str, ...]:
    health = "ok" if one.healthy else one.detail or "not healthy"
    memory = f"{one.memory / 2**20:.0f} MiB" if one.memory else "-"
    return (
        one.name,
        str(one.pid or "-"),
        health,
        memory,
        f"{one.uptime:.0f} s" if one.alive else "-",
        str(one.restarts or ""),
    )
