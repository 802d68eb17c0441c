"""What a plan takes away that an `up` of the former configuration would not bring back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review.changes import DELETE, REPLACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from review.changes import Change

__all__ = ["losses"]

# Kinds that hold data, and what goes with one of them. A Namespace and a definition take along what others made.
_HELD = {
    "Namespace": "everything in it goes too, what this stack does not know of included",
    "PersistentVolumeClaim": "its data goes too unless its volume is retained",
    "PersistentVolume": "the data goes too unless it is retained",
    "VolumeSnapshot": "the snapshot goes too unless it is retained",
    "StatefulSet": "its pods end; the volumes of its claims stay and belong to nobody",
    "CustomResourceDefinition": "every object of its kind goes too, in all namespaces",
}
# Kinds whose replacement is an interruption, though nothing is lost.
_SERVING = ("Deployment", "DaemonSet", "Service", "Ingress", "HTTPRoute", "Gateway")


def losses(changes: Iterable[Change]) -> list[str]:
    """Warn of deletions and replacements: of data first, then of what answers requests meanwhile."""
    data: list[str] = []
    serving: list[str] = []
    for change in changes:
        if change.does not in (DELETE, REPLACE):
            continue
        done = "is deleted" if change.does == DELETE else f"is replaced{_because(change)}: deleted and made anew"
        if change.kind in _HELD:
            data.append(f"{change.kind} {change.object} {done}; {_HELD[change.kind]}")
        elif change.kind in _SERVING and change.does == REPLACE:
            serving.append(f"{change.kind} {change.object} {done}; it does not answer meanwhile")
        elif change.does == REPLACE:
            serving.append(f"{change.kind} {change.object} {done}")
    return data + serving


def _because(change: Change) -> str:
    return f" ({', '.join(change.because)})" if change.because else ""
