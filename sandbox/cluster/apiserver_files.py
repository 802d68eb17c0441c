"""Configuration files of the API server."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

from sandbox.cluster.files import write, write_private

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_apiserver_files"]


def write_apiserver_files(directory: Path) -> None:
    """Write how Secrets are encrypted, with a key made at the first start, and where simulated pods lead: nowhere."""
    encryption = directory / "encryption.json"
    if not encryption.exists():
        write_private(encryption, json.dumps(_encryption()).encode())
    write(directory / "egress.json", json.dumps(_no_egress(directory)))


def _encryption() -> dict[str, Any]:
    key = {"name": "key1", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            # identity last: what an earlier version stored in plain text stays readable.
            {"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}, {"identity": {}}]},
        ],
    }


def _no_egress(directory: Path) -> dict[str, Any]:
    # A proxy that is not there; its name is what the error message ends with.
    transport = {"uds": {"udsName": str(directory / "simulated-pods-do-not-answer")}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }
