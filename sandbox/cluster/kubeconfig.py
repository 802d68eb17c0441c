"""A user's kubeconfig, with certificates inside, so that it may be copied and handed over."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster.certificates import Pair

__all__ = ["CONTEXT", "kubeconfig"]

# The context's name in every kubeconfig that is written here.
CONTEXT = "sandbox"


def kubeconfig(server: str, authority: Pair, user: Pair) -> dict[str, Any]:
    """Return the kubeconfig of a user at a server whose certificate the authority signed."""
    credentials = {
        "client-certificate-data": _encoded(user.certificate),
        "client-key-data": _encoded(user.key),
    }
    cluster = {"server": server, "certificate-authority-data": _encoded(authority.certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": credentials}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
