"""A cluster with simulated nodes: a control plane on loopback and kwok, for any user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.cluster.control_plane import BINARIES, ControlPlane, end_control_plane
from sandbox.cluster.kubeconfig import CONTEXT
from sandbox.cluster.simulated import SimulatedNodes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.cluster.api import Api
    from sandbox.cluster.certificates import Authority
    from sandbox.cluster.programs import Programs
    from sandbox.cluster.simulated import NodeShape
    from sandbox.paths import Layout
    from sandbox.process import ProcessStatus, Report

__all__ = ["SimulatedCluster"]

NEEDED = (*BINARIES, "kwok")
ENDING = ("kwok", *BINARIES[:0:-1])


class SimulatedCluster:
    """Control plane and simulated nodes, in one sandbox's directory."""

    # No pod runs, so that nothing is pulled, measured or served.
    network = None
    registry = None
    gateway = None
    context = CONTEXT

    def __init__(
        self, layout: Layout, programs: Programs, *, shapes: Sequence[NodeShape], grace: float, report: Report
    ) -> None:
        self._layout = layout
        self._programs = programs
        self._shapes = shapes
        self._grace = grace
        self._report = report

    @property
    def addresses(self) -> list[str]:
        """Networks that are the cluster's own."""
        return ["127.0.0.1"]

    @property
    def api(self) -> Api:
        """The API server as its administrator."""
        return self._plane().api

    @property
    def authority(self) -> Authority:
        """The authority that signs users."""
        return self._plane().authority

    def start(self) -> Path:
        """Start what is not running; return the administrator's kubeconfig."""
        self._report("starting the control plane")
        self._programs.require(NEEDED)
        plane = self._plane()
        plane.start()
        SimulatedNodes(plane, shapes=self._shapes, report=self._report).start()
        return plane.kubeconfig

    def start_metrics(self) -> None:
        """Do nothing: there is nothing to measure."""

    def start_gateway(self) -> None:
        """Do nothing: there is nothing to serve."""

    def start_walls(self) -> None:
        """Do nothing: there are no packets to keep."""

    def stop(self) -> None:
        """End every process."""
        end_control_plane(self._plane().processes, ENDING, grace=self._grace)

    def status(self) -> list[ProcessStatus]:
        """Tell how each process is, by its own health endpoint."""
        plane = self._plane()
        return plane.status() + SimulatedNodes(plane, report=self._report).status()

    def _plane(self) -> ControlPlane:
        return ControlPlane(
            self._layout.cluster / "simulated",
            self._programs.find(NEEDED),
            pods_answer=False,
            run=self._layout.run,
            logs=self._layout.logs,
            report=self._report,
        )
