"""Names that the provider makes: of objects without one, and of the field managers that own them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.identity import annotation, is_annotated, urn_name
from sandbox.plugins.properties import UNKNOWN

__all__ = ["AUTONAMED", "Autonaming", "adopt_name", "field_manager", "is_autonamed", "name_unnamed"]

AUTONAMED = "pulumi.com/autonamed"
_FIELD_MANAGER = "pulumi.com/patchFieldManager"


@dataclass(frozen=True)
class Autonaming:
    """The stack's own rule for names (`pulumi:autonaming`), where there is one."""

    proposed: str
    enforced: bool
    disabled: bool


def is_autonamed(obj: dict[str, Any]) -> bool:
    """Tell whether a name was made by `name_unnamed`."""
    return is_annotated(obj, AUTONAMED)


def name_unnamed(obj: dict[str, Any], urn: str, seed: bytes, rule: Autonaming | None) -> None:
    """Name an object `<resource name>-<8 random hex digits>` in place, unless it has a name or will get one.

    The suffix lets a replacement be made before its predecessor is deleted. It depends on the engine's seed
    alone, so that a preview and its update agree.

    Raises:
        ProviderError: the stack forbids made-up names.

    """
    metadata = obj.setdefault("metadata", {})
    if metadata is UNKNOWN or metadata.get("name") or metadata.get("generateName"):
        return
    if rule is not None and rule.disabled:
        raise ProviderError("autonaming is disabled in this stack, so metadata.name is required")
    if rule is not None and rule.proposed:
        name = rule.proposed
    else:
        suffix = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
        name = f"{urn_name(urn)}-{suffix}"
    _set_name(metadata, name)


def adopt_name(obj: dict[str, Any], old: dict[str, Any]) -> None:
    """Keep the name that was made up for this resource before, in place."""
    metadata = obj.setdefault("metadata", {})
    if metadata is not UNKNOWN and not metadata.get("name") and is_autonamed(old):
        _set_name(metadata, old["metadata"]["name"])


def _set_name(metadata: dict[str, Any], name: str) -> None:
    metadata["name"] = name
    annotations = metadata.setdefault("annotations", {})
    if annotations is not UNKNOWN:
        annotations[AUTONAMED] = "true"


def field_manager(obj: dict[str, Any], urn: str, known: str | None = None) -> str:
    """Return the field manager that owns a resource's fields: `pulumi-kubernetes-<8 hex digits>`.

    The official provider draws the digits at random at creation. Ours follow from the URN, so that an
    object which a killed update made, and which the state never heard of, is recognised at the next one.
    """
    return (
        annotation(obj, _FIELD_MANAGER) or known or f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"
    )
