"""A pool and a model as they are written, to be changed by a test."""

from __future__ import annotations

from typing import Any

IMAGE = f"model@sha256:{'a' * 64}"


def pool(**changes: Any) -> dict[str, Any]:
    """Four cores, 16 GiB, at most three nodes."""
    return {"allocatable": {"cpu": "4", "memory": "16Gi"}, "max": 3, **changes}


def model(**changes: Any) -> dict[str, Any]:
    """Two slots of two pods, each of which takes half a node."""
    return {
        "team": "fraud",
        "versions": {"1": {"image": IMAGE}, "2": {"image": IMAGE}},
        "slots": {"blue": "1", "green": "2"},
        "active": "blue",
        "resources": {"cpu": "2", "memory": "4Gi"},
        **changes,
    }
