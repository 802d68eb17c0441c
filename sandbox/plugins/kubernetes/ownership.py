"""Who owns which field of an object, read off its `metadata.managedFields`.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and, for the notation of
fields, `sigs.k8s.io/structured-merge-diff`: `f:name` is a field, `k:{...}` a list's element by its keys,
`v:...` an element by its value, and `.` the thing itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

__all__ = ["Path", "foreign_managers", "needs_takeover", "owners", "takeover_patch"]

Path = Sequence[str | int]

# Whose plain updates we take over: the official provider creates by POST and owns the result as an updater,
# in its versions before 4 under these fixed names; kubectl's client-side apply keeps its own record.
_PREDECESSORS = frozenset(
    {
        "pulumi-kubernetes",
        "pulumi-kubernetes.exe",
        "pulumi-resource-kubernetes",
        "kubectl-client-side-apply",
        "kubectl",
        "kubectl-create",
        "before-first-apply",
    },
)


def _entries(live: dict[str, Any]) -> list[dict[str, Any]]:
    return list((live.get("metadata") or {}).get("managedFields") or [])


def _is_predecessor(entry: dict[str, Any], manager: str) -> bool:
    name = entry.get("manager", "")
    if entry.get("subresource"):
        return False
    if entry.get("operation") == "Update":
        return name in _PREDECESSORS or name == manager
    return bool(name == "kubectl")  # kubectl apply --server-side, as upstream


def needs_takeover(live: dict[str, Any], manager: str) -> bool:
    """Tell whether fields are held by an earlier way of writing this same object."""
    return any(_is_predecessor(entry, manager) for entry in _entries(live))


def takeover_patch(live: dict[str, Any], manager: str) -> list[dict[str, Any]]:
    """Return the JSON patch that hands the fields of all predecessors to our manager.

    It holds only for the version that it was computed from. An apply then removes what the program no
    longer declares, which it could not while another manager held on to it.
    """
    kept, ours = [], None
    for entry in _entries(live):
        if _is_predecessor(entry, manager) or (
            entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
        ):
            fields = _merged(ours["fieldsV1"] if ours else {}, entry.get("fieldsV1") or {})
            ours = {**entry, "manager": manager, "operation": "Apply", "fieldsV1": fields}
        else:
            kept.append(entry)
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, *([ours] if ours else [])]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = deepcopy(one)
    for key, value in other.items():
        result[key] = _merged(result.get(key, {}), value)
    return result


def owners(live: dict[str, Any], path: Path) -> set[tuple[str, str]]:
    """Return the (manager, operation) pairs that own the field at `path`, or something within it."""
    return {
        (entry.get("manager", ""), entry.get("operation", ""))
        for entry in _entries(live)
        if _covers(entry.get("fieldsV1") or {}, live, list(path))
    }


def foreign_managers(live: dict[str, Any], path: Path, manager: str) -> set[str] | None:
    """Return those who own a field that neither we nor our predecessors own; None when it is ours too, or nobody's."""
    found = owners(live, path)
    if not found:
        return None
    for name, operation in found:
        if name == manager or _is_predecessor({"manager": name, "operation": operation}, manager):
            return None
    return {name for name, _ in found}


def _covers(fields: dict[str, Any], live: Any, path: list[str | int]) -> bool:
    if not path:
        return True
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        below = fields.get(f"f:{step}")
        inner = live.get(step) if isinstance(live, dict) else None
        # An empty set of fields means the whole value, whatever is inside: an atomic list or map, or a leaf.
        return below is not None and (not below or _covers(below, inner, rest))
    element = live[step] if isinstance(live, list) and step < len(live) else None
    for key, below in fields.items():
        if key.startswith("k:") and isinstance(element, dict):
            names = json.loads(key[2:])
            if all(element.get(name) == value for name, value in names.items()):
                return not below or _covers(below, element, rest)
        if key.startswith("v:") and json.loads(key[2:]) == element:
            return True
    return False
