"""A real control plane with simulated nodes and the Gateway API's kinds, for as long as a fixture lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox.cluster import ControlPlane
from sandbox.cluster.control_plane import BINARIES
from sandbox.cluster.gateway_api import install_gateway_api
from sandbox.cluster.simulated import DEFAULT_SHAPES, NodeShape, SimulatedNodes
from sandbox.tools import ToolError, provide
from sandbox.tools.gateway_api import provide_gateway_api

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def simulated(directory: Path, *, shapes: Sequence[NodeShape] = DEFAULT_SHAPES) -> Iterator[ControlPlane]:
    """Start one in this directory and stop it at the end; skip where its programs cannot be had."""
    try:
        tools = provide([*BINARIES, "kwok"], report=print)
        definitions = provide_gateway_api(report=print)
    except ToolError as error:
        pytest.skip(f"no control plane on this machine: {error}")
    plane = ControlPlane(directory, {name: tool.path for name, tool in tools.items()})
    nodes = SimulatedNodes(plane, shapes=shapes, report=print)
    try:
        plane.start()
        nodes.start()
        install_gateway_api(plane.api, definitions)
        yield plane
    finally:
        nodes.stop()
        plane.stop()
