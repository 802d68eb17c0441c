"""Readiness: waiting until an object does what it was made for, and saying why it does not.

One file a kind; a kind without a file is ready as soon as the API server has accepted it. What ready
means follows the official provider's awaiters (provider/pkg/await in pulumi/pulumi-kubernetes); `docs/plugins.md`
lists where it does not.
"""

from __future__ import annotations

from sandbox.plugins.kubernetes.readiness.cluster import Cluster
from sandbox.plugins.kubernetes.readiness.errors import NotReadyError, WaitCancelledError, WaitTimedOutError
from sandbox.plugins.kubernetes.readiness.timeouts import awaits, default_timeout, timeout_for
from sandbox.plugins.kubernetes.readiness.wait import await_deleted, await_ready

__all__ = [
    "Cluster",
    "NotReadyError",
    "WaitCancelledError",
    "WaitTimedOutError",
    "await_deleted",
    "await_ready",
    "awaits",
    "default_timeout",
    "timeout_for",
]
