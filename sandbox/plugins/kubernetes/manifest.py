"""From a program's inputs to what is sent to the API server."""

from __future__ import annotations

import base64
import binascii
from typing import Any

__all__ = ["READ_ONLY", "readable_data", "sendable", "without_read_only"]

READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Fields of metadata that only the API server writes."""


def without_read_only(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return inputs without what only the API server writes; the program may have copied it from an object."""
    metadata = inputs.get("metadata")
    result = {key: value for key, value in inputs.items() if key != "status"}
    if isinstance(metadata, dict):
        result["metadata"] = {key: value for key, value in metadata.items() if key not in READ_ONLY}
    return result


def sendable(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the object to apply.

    A Secret's `stringData` is folded into `data`: the server does the same, but records no owner for the
    result, so that a key which leaves the program would stay in the Secret for ever.
    """
    body = without_read_only(inputs)
    if str(body.get("apiVersion", "")).startswith("core/"):
        body["apiVersion"] = body["apiVersion"].removeprefix("core/")
    texts = body.get("stringData")
    if body.get("kind") == "Secret" and body.get("apiVersion") == "v1" and isinstance(texts, dict):
        del body["stringData"]
        encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}
    return body


def readable_data(live: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    """Return a live Secret's values as text, for the keys that were declared as text."""
    data = live.get("data") or {}
    result = {}
    for key in declared:
        if key in data:
            try:
                result[key] = base64.b64decode(data[key]).decode()
            except (binascii.Error, UnicodeDecodeError):
                result[key] = data[key]  # someone wrote bytes there: shown as they are, and so as a difference
    return result
