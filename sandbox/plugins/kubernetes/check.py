"""Check: the inputs as they will be recorded, with the name and the namespace filled in."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes import lists
from sandbox.plugins.kubernetes.checkpoint import mark_secrets, objects
from sandbox.plugins.kubernetes.discovery import CLUSTER_SCOPED
from sandbox.plugins.kubernetes.errors import ApiError, ProviderError, UnreachableError
from sandbox.plugins.kubernetes.identity import identify, is_patch, kind_of_urn
from sandbox.plugins.kubernetes.naming import AUTONAMED, Autonaming, adopt_name, name_unnamed
from sandbox.plugins.properties import UNKNOWN, Properties, Secret, plain

if TYPE_CHECKING:
    from sandbox.plugins.kubernetes.session import Session

__all__ = ["check", "namespaced"]


def check(
    session: Session,
    urn: str,
    olds: Properties,
    news: Properties,
    *,
    seed: bytes,
    rule: Autonaming | None,
) -> tuple[Properties, list[tuple[str, str]]]:
    """Return a resource's inputs as they will be recorded, and what is wrong with them (property, reason)."""
    inputs = objects(deepcopy(news))
    api_version, kind = kind_of_urn(urn)
    inputs.setdefault("apiVersion", api_version)
    inputs.setdefault("kind", kind)
    patch = is_patch(urn, str(inputs["kind"]))
    if lists.is_list(inputs):
        return lists.check(inputs, lambda item: _place(session, item))
    if _declared_annotation(news, AUTONAMED) and not olds:
        session.engine.warn(
            urn, f"the annotation {AUTONAMED} is the provider's own; its value in the program is ignored"
        )
    metadata = inputs.get("metadata")
    if isinstance(metadata, Secret):  # secrets within metadata are kept one by one, not the object as a whole
        inputs["metadata"] = metadata.value
    found = _failures(inputs, patch=patch, server_side=session.configuration.enable_server_side_apply)
    if found:
        return inputs, found
    try:
        if patch:
            pass
        elif olds:
            adopt_name(inputs, plain(olds))
        else:
            name_unnamed(inputs, urn, seed, rule)
    except ProviderError as error:
        return inputs, [("metadata.name", str(error))]
    _place(session, inputs)
    if inputs["kind"] == "CustomResourceDefinition":
        _declare(session, plain(inputs))
    return mark_secrets(inputs, news), []


def _failures(inputs: Properties, *, patch: bool, server_side: bool) -> list[tuple[str, str]]:
    metadata = inputs.get("metadata", {})
    if metadata is UNKNOWN:
        return [("metadata.name", "a patch must name its object")] if patch else []
    if not isinstance(metadata, dict):
        return [("metadata", f"must be a mapping, not {type(plain(metadata)).__name__}")]
    if patch and not metadata.get("name"):
        return [("metadata.name", "a patch must name the object that it changes")]
    if patch and not server_side:
        return [("", "Patch resources need Server-Side Apply: set enableServerSideApply on the provider")]
    if metadata.get("generateName") and not metadata.get("name") and server_side:
        return [
            ("metadata.generateName", "not supported with Server-Side Apply; leave the name out to have one made up")
        ]
    return []


def _declared_annotation(news: Properties, name: str) -> bool:
    metadata = news.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and name in annotations


def _place(session: Session, inputs: Properties) -> None:
    """Fill in the default namespace of an object that has none but needs one, in place."""
    metadata = inputs.setdefault("metadata", {})
    if isinstance(metadata, dict) and not metadata.get("namespace") and namespaced(session, inputs):
        metadata["namespace"] = session.default_namespace


def namespaced(session: Session, inputs: dict[str, Any]) -> bool:
    """Tell whether the object lives in a namespace, also while no API server can be asked."""
    identity = identify(inputs)
    try:
        return session.client.discovery.namespaced(identity.api_version, identity.kind)
    except (UnreachableError, ApiError):
        return identity.kind not in CLUSTER_SCOPED


def _declare(session: Session, definition: dict[str, Any]) -> None:
    """Remember a definition of this plan, so that objects of its kind can be planned before it exists."""
    try:
        session.client.discovery.declare(definition)
    except UnreachableError:
        return
