"""The throw-away control plane: a real API server with real admission, on loopback, for as long as one preview takes.

The sandbox is used as a library. Its commands would do as much with a cluster that stays, and this one must go, with
everything it made, however the preview ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.ended import ReviewError
from review.obliging import obliging
from sandbox.cluster import ClusterError, ControlPlane
from sandbox.cluster.api import ApiError
from sandbox.cluster.control_plane import BINARIES
from sandbox.cluster.gateway_api import install_gateway_api
from sandbox.cluster.simulated import NodeShape, SimulatedNodes
from sandbox.process import ProcessError
from sandbox.tools import ToolError, provide
from sandbox.tools.gateway_api import provide_gateway_api

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

__all__ = ["Programs", "find_programs", "throw_away"]

# The label and taint of a pool's nodes: components/labels.py, which this package does not import.
_NODE_POOL = "ml-platform/node-pool"
# More than any stack asks for: how much a team may take is its quota's to say.
_LARGE = "10000"
_PODS = 10_000


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The tools that a preview needs, and the Gateway API's definitions, all of pinned versions."""

    tools: Mapping[str, Path]
    definitions: Path


def find_programs(report: Callable[[str], None]) -> Programs:
    """Find or make everything that a preview needs. Raises ReviewError with what is missing and what to install."""
    try:
        tools = provide([*BINARIES, "kwok", "pulumi"], report=report)
        definitions = provide_gateway_api(report=report)
    except ToolError as error:
        raise ReviewError(f"no control plane on this machine: {error}") from None
    return Programs(tools={name: tool.path for name, tool in tools.items()}, definitions=definitions)


@contextmanager
def throw_away(
    directory: Path,
    programs: Programs,
    *,
    pools: Collection[str],
    resources: Collection[str],
    report: Callable[[str], None],
) -> Iterator[ControlPlane]:
    """Start one in this directory and end it after the block. Raises ReviewError where it does not start.

    It has a simulated node, and one more for each of `pools`, with plenty of everything, `resources` included.
    """
    plane = ControlPlane(directory, programs.tools, pods_answer=False, report=report)
    shapes = [_shape("any", resources), *(_shape(pool, resources, pool=pool) for pool in sorted(pools))]
    nodes = SimulatedNodes(plane, shapes=shapes, report=report)
    try:
        try:
            plane.start()
            nodes.start()
            install_gateway_api(plane.api, programs.definitions)
        except (ProcessError, ClusterError, ApiError) as error:
            raise ReviewError(f"the throw-away control plane does not start: {error}") from None
        with obliging(plane.api, "any-1"):
            yield plane
    finally:
        nodes.stop()
        plane.stop()


def _shape(name: str, resources: Collection[str], *, pool: str | None = None) -> NodeShape:
    return NodeShape(
        name=name,
        cpu=_LARGE,
        memory=f"{_LARGE}Gi",
        pods=_PODS,
        labels={} if pool is None else {_NODE_POOL: pool},
        taints=() if pool is None else (f"{_NODE_POOL}={pool}:NoSchedule",),
        extended=dict.fromkeys(resources, _LARGE),
    )
