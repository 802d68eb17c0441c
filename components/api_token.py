"""A token for the API server, by name: for the few pods that talk to it.

It stands where every client looks for one. It is what Kubernetes would mount by itself, said where a reader of the
manifest sees that this pod has one. Source: KEP-1205, the ServiceAccount admission plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["API_TOKEN", "API_TOKEN_MOUNT"]

_NAMESPACE = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}

API_TOKEN: Mapping[str, Any] = {
    "name": "api-server",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _NAMESPACE}]}},
        ]
    },
}
"""A pod's volume."""

API_TOKEN_MOUNT: Mapping[str, Any] = {
    "name": API_TOKEN["name"],
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "readOnly": True,
}
"""Where a container finds it."""
