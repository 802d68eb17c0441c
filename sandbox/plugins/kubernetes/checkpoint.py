"""The state of a resource: the live object, the inputs that led to it, and who wrote it.

The layout is the official provider's: the object's own fields, beside them `__inputs`,
`__initialApiVersion` and `__fieldManager`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.plugins.properties import UNKNOWN, Properties, Secret, has_secrets, plain

__all__ = ["Checkpoint", "mark_secrets", "objects", "outputs", "preview_outputs", "read_checkpoint"]

_INPUTS = "__inputs"
_INITIAL_API_VERSION = "__initialApiVersion"
_FIELD_MANAGER = "__fieldManager"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# The SDKs cannot spell these fields of a CustomResourceDefinition's schema with dashes.
_DASHED = {
    f"x_kubernetes_{name.replace('-', '_')}": f"x-kubernetes-{name}"
    for name in (
        "embedded-resource",
        "int-or-string",
        "list-map-keys",
        "list-type",
        "map-type",
        "preserve-unknown-fields",
        "validations",
    )
}
_UNDERSCORED = {dashed: underscored for underscored, dashed in _DASHED.items()}


@dataclass(frozen=True)
class Checkpoint:
    """A resource's outputs, read back: everything plain, without secrets' wrappers."""

    inputs: dict[str, Any]
    live: dict[str, Any]
    initial_api_version: str
    manager: str | None


def objects(value: Any) -> Any:
    """Spell an object's fields as Kubernetes does; a copy, secrets and unknowns kept."""
    return _renamed(value, _DASHED)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return Secret(_renamed(value.value, names)) if isinstance(value, Secret) else value


def read_checkpoint(state: Properties) -> Checkpoint:
    """Read a resource's outputs, ours or the official provider's."""
    live = objects(plain(state))
    inputs = live.pop(_INPUTS, {})
    version = live.pop(_INITIAL_API_VERSION, None) or inputs.get("apiVersion") or live.get("apiVersion", "")
    return Checkpoint(inputs, live, str(version), live.pop(_FIELD_MANAGER, None))


def outputs(inputs: Properties, live: dict[str, Any], *, initial_api_version: str, manager: str) -> Properties:
    """Lay out the state of an object that was written or read; secret inputs are secret in it, too."""
    state = mark_secrets(_renamed(live, _UNDERSCORED), inputs)
    state[_INPUTS] = mark_secrets(_renamed(plain(inputs), _UNDERSCORED), inputs)
    state[_INITIAL_API_VERSION] = initial_api_version
    state[_FIELD_MANAGER] = manager
    return state


def preview_outputs(state: Properties, inputs: Properties) -> Properties:
    """Replace what a dry run made up by unknowns: the real object will get other values.

    Dependents must not be planned with an address or a uid that will never exist. The status is left out
    altogether, as the official provider does.
    """
    result = {key: value for key, value in state.items() if key != "status"}
    metadata = dict(result.get("metadata") or {})
    for name in ("uid", "resourceVersion", "creationTimestamp"):
        if name in metadata:
            metadata[name] = UNKNOWN
    result["metadata"] = metadata
    spec, declared = result.get("spec"), inputs.get("spec")
    if inputs.get("kind") == "Service" and isinstance(spec, dict) and isinstance(declared, dict):
        result["spec"] = {
            key: UNKNOWN if key in {"clusterIP", "clusterIPs"} and key not in declared else value
            for key, value in spec.items()
        }
    return result


def mark_secrets(outs: dict[str, Any], ins: dict[str, Any]) -> dict[str, Any]:
    """Return `outs` with everything wrapped that is secret at the same place in `ins`, and a Secret's data always.

    A list with one secret in it becomes secret as a whole: servers reorder lists, and a value that moved
    must not come to light.
    """
    result: dict[str, Any] = {}
    for key, value in outs.items():
        source = ins.get(key)
        if isinstance(value, dict) and isinstance(source, dict):
            result[key] = mark_secrets(value, source)
        else:
            result[key] = Secret(plain(value)) if has_secrets(source) else value
    # An apiVersion beside it tells an object's kind from a field of that name further down.
    if outs.get("kind") == "Secret" and outs.get("apiVersion") == "v1":
        for key in ("data", "stringData"):
            if key in result:
                result[key] = Secret(plain(result[key]))
        annotations = (
            (result.get("metadata") or {}).get("annotations") if isinstance(result.get("metadata"), dict) else None
        )
        if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
            annotations[_LAST_APPLIED] = Secret(plain(annotations[_LAST_APPLIED]))
    return result
