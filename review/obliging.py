"""What a throw-away cluster does that no real one would: it has room for every pod and a volume for every claim.

How much room a cluster has, which node pools, which storage classes and which claims, is not in a stack's file; a
preview that waited for them would end at its deadline. What the API server itself decides, quota and Pod Security
among it, it decides before this.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from sandbox.cluster.api import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.cluster.api import Api

__all__ = ["obliging"]

# A pod that the scheduler has given up waits for this; two requests a time.
_INTERVAL = 0.3


@contextmanager
def obliging(api: Api, node: str) -> Iterator[None]:
    """Put pods that the scheduler finds no place for on `node`, and bind claims, for the time of a block."""
    over = threading.Event()

    def oblige() -> None:
        while not over.wait(_INTERVAL):
            try:
                _place(api, node)
                _provision(api)
            except (OSError, ApiError, HTTPException):
                continue  # it is asked again at once; an API server that is gone is told of by whoever waits for it

    thread = threading.Thread(target=oblige, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _place(api: Api, node: str) -> None:
    for pod in _items(api, "/api/v1/pods?fieldSelector=spec.nodeName%3D"):
        conditions = pod.get("status", {}).get("conditions", [])
        if not any(each["type"] == "PodScheduled" and each["status"] == "False" for each in conditions):
            continue  # the scheduler has not looked at it yet
        metadata = pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        api.request("POST", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding", body)


def _provision(api: Api) -> None:
    for claim in _items(api, "/api/v1/persistentvolumeclaims"):
        spec, metadata = claim["spec"], claim["metadata"]
        if spec.get("volumeName") or claim.get("status", {}).get("phase") != "Pending":
            continue
        body = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"stand-in-{metadata['uid']}"},
            "spec": {
                "capacity": spec["resources"]["requests"],
                "accessModes": spec["accessModes"],
                "volumeMode": spec.get("volumeMode", "Filesystem"),
                "storageClassName": spec.get("storageClassName", ""),
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"]},
                "hostPath": {"path": "/nowhere"},
            },
        }
        api.request("POST", "/api/v1/persistentvolumes", body)


def _items(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (api.get(path) or {}).get("items") or []
    return found
