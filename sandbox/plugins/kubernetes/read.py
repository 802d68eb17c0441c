"""Read: the live object for a refresh, and the inputs that would lead to it for an import."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.checkpoint import mark_secrets, objects, outputs, read_checkpoint
from sandbox.plugins.kubernetes.errors import NoSuchKindError, UnreachableError
from sandbox.plugins.kubernetes.identity import Identity, identify, kind_of_urn, parse_id
from sandbox.plugins.kubernetes.manifest import readable_data, without_read_only
from sandbox.plugins.kubernetes.naming import field_manager
from sandbox.plugins.kubernetes.quantities import is_quantity, same_quantity
from sandbox.plugins.properties import Properties, plain

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.ownership import Path
    from sandbox.plugins.kubernetes.session import Session

__all__ = ["pruned", "read"]

# What controllers and clients write into annotations for themselves; an import must not declare it.
_FOREIGN_ANNOTATIONS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")

# The keys by which Kubernetes itself tells a list's elements apart (`x-kubernetes-list-map-keys`), best first.
_ELEMENT_KEYS = ("name", "mountPath", "devicePath", "containerPort", "port", "ip", "key", "uid", "type", "topologyKey")

_UNREACHABLE = (
    "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this "
    "resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable "
    'set to "true"'
)


def read(
    session: Session, urn: str, identifier: str, state: Properties, old_inputs: Properties
) -> tuple[str, Properties, Properties]:
    """Return id, outputs and inputs of an object as it is now; an empty id when it is gone.

    Raises:
        UnreachableError: no API server answers, and the settings do not say what to do then.
        ProviderError: the API server refuses.

    """
    old, known = read_checkpoint(state), objects(old_inputs)
    api_version, kind = kind_of_urn(urn)
    declared = without_read_only(plain(known))
    namespace, name = parse_id(identifier)
    identity = Identity(
        str(declared.get("apiVersion") or api_version).removeprefix("core/"),
        str(declared.get("kind") or kind),
        name,
        namespace,
    )
    try:
        live = session.client.find(_with_namespace(session, identity))
    except NoSuchKindError:  # its definition is gone, and the object with it
        return "", {}, {}
    except UnreachableError as error:
        return _unreachable(session, urn, error, seen=(identifier, state, old_inputs))
    if live is None:
        return "", {}, {}
    inputs = pruned(live, declared) if declared.get("kind") else _imported(live)
    if isinstance(declared.get("stringData"), dict) and identity.kind == "Secret":
        inputs["stringData"] = readable_data(live, declared["stringData"])
    manager = field_manager(inputs, urn, old.manager)
    marked = mark_secrets(inputs, known)
    version = old.initial_api_version or identity.api_version
    return identifier or identify(live).id, outputs(marked, live, initial_api_version=version, manager=manager), marked


def _with_namespace(session: Session, identity: Identity) -> Identity:
    """Complete an id without a namespace: `pulumi import` takes `name` for an object in the default one."""
    if identity.namespace or not session.client.discovery.resource(identity.api_version, identity.kind).namespaced:
        return identity
    return identity.within(session.default_namespace)


def _unreachable(
    session: Session,
    urn: str,
    error: UnreachableError,
    *,
    seen: tuple[str, Properties, Properties],
) -> tuple[str, Properties, Properties]:
    session.engine.warn(urn, f"configured Kubernetes cluster is unreachable: {error}")
    if session.configuration.delete_unreachable:
        session.engine.info(urn, "deleteUnreachable is set: the resource is removed from the state")
        return "", {}, {}
    if session.configuration.skip_update_unreachable:
        session.engine.info(urn, "skipUpdateUnreachable is set: the state is kept as it was last seen")
        return seen
    raise UnreachableError(_UNREACHABLE)


def _imported(live: dict[str, Any]) -> dict[str, Any]:
    """Return an object's own declaration: everything but its status and what others write for themselves."""
    inputs = deepcopy(without_read_only(live))
    annotations = inputs["metadata"].get("annotations") or {}
    for name in _FOREIGN_ANNOTATIONS:
        annotations.pop(name, None)
    if not annotations:
        inputs["metadata"].pop("annotations", None)
    return inputs


def pruned(live: Any, declared: Any) -> Any:
    """Return the live values of what was declared, so that defaults and other managers' fields show no drift.

    A quantity keeps the program's spelling while it means the same, and an empty value (`{}`, `""`, 0, false) that
    the server left out is still there. In a list whose elements have a key, only the declared elements count: others
    were added by someone else, and an apply would leave them.
    """
    return _pruned(live, declared, (), _keyed_lists(live))


def _pruned(live: Any, declared: Any, path: Path, keyed: frozenset[Path] | None) -> Any:
    if isinstance(live, dict) and isinstance(declared, dict):
        return {
            key: _pruned(live[key], value, (*path, key), keyed) if key in live else value
            for key, value in declared.items()
            if key in live or not value
        }
    if isinstance(live, list) and isinstance(declared, list):
        return _pruned_list(live, declared, path, keyed)
    if is_quantity(path) and same_quantity(live, declared):
        return declared
    return live


def _pruned_list(live: list[Any], declared: list[Any], path: Path, keyed: frozenset[Path] | None) -> list[Any]:
    key = _element_key(live, declared)
    if key is None or (keyed is not None and _without_indices(path) not in keyed):
        return [
            _pruned(value, declared[index], (*path, index), keyed) if index < len(declared) else value
            for index, value in enumerate(live)
        ]
    by_key = {element[key]: element for element in live}
    return [
        _pruned(by_key[element[key]], element, (*path, index), keyed)
        for index, element in enumerate(declared)
        if element[key] in by_key
    ]


def _keyed_lists(live: Any) -> frozenset[Path] | None:
    """Return where the server merges lists by a key of their elements, or None where it does not say.

    In `managedFields` an element of such a list stands under `k:{...}`. A list that is one value, as most of custom
    resources are, has no elements there (https://kubernetes.io/docs/reference/using-api/server-side-apply/).
    """
    entries = (live.get("metadata") or {}).get("managedFields") if isinstance(live, dict) else None
    if not entries:
        return None
    found: set[Path] = set()

    def walk(fields: dict[str, Any], path: Path) -> None:
        for name, inner in fields.items():
            kind, _, field = name.partition(":")
            if kind == "k":
                found.add(path)
            walk(inner, (*path, field) if kind == "f" else path)

    for entry in entries:
        walk(entry.get("fieldsV1") or {}, ())
    return frozenset(found)


def _without_indices(path: Path) -> Path:
    return tuple(step for step in path if isinstance(step, str))


def _element_key(live: list[Any], declared: list[Any]) -> str | None:
    """Return the field that names the elements of both lists without repetition, or None for a plain list."""
    both = [*live, *declared]
    if not declared or not all(isinstance(element, dict) for element in both):
        return None
    for key in _ELEMENT_KEYS:
        if all(isinstance(element.get(key), str | int) for element in both):
            unique = all(len({element[key] for element in side}) == len(side) for side in (live, declared))
            if unique:
                return key
    return None
