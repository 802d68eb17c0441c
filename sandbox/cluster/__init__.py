"""A Kubernetes cluster on one machine, from its own processes."""

from __future__ import annotations

from sandbox.cluster.choice import Nodes, choose_nodes
from sandbox.cluster.cluster import Cluster
from sandbox.cluster.control_plane import ControlPlane
from sandbox.cluster.errors import ClusterError

__all__ = ["Cluster", "ClusterError", "ControlPlane", "Nodes", "choose_nodes"]
