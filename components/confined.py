from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFINED"]

CONFINED: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""The `securityContext` of every container that is declared here: it gains no right, has none, and writes only where a
volume says so.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""
