"""The labels and annotations that every object of the platform carries.

They are an interface: the guard finds pods by them, policies and dashboards group by them, a bill is split by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ACTIVE",
    "CONTENT",
    "ENVIRONMENT",
    "HOLD",
    "ISSUER",
    "MANAGED_BY",
    "NAME",
    "NODE_POOL",
    "ONLY",
    "PATCH_FORCE",
    "SERVED",
    "SERVED_PORT",
    "SHARED_FROM",
    "SKIP_AWAIT",
    "SLOT",
    "SLOTS",
    "STARTED",
    "TEAM",
    "VERSION",
    "Place",
    "SlotName",
    "model_selector",
    "owner_labels",
    "slot_name",
    "slot_selector",
]

SlotName = Literal["blue", "green"]
SLOTS: tuple[SlotName, SlotName] = ("blue", "green")

ONLY: Literal["only"] = "only"
"""What a model without slots (rolling, recreate) has in place of a slot's name."""

Place = SlotName | Literal["only"]
"""Where pods of a model stand: in a slot, or in the only place there is."""

NAME = "app.kubernetes.io/name"
MANAGED_BY = "app.kubernetes.io/managed-by"
TEAM = "ml-platform/team"
ENVIRONMENT = "ml-platform/environment"
SLOT = "ml-platform/slot"
VERSION = "ml-platform/version"

SHARED_FROM = "ml-platform/shared-from"
"""Label of a claim that reads another namespace's volume: whose it is. No data are lost with such a claim."""

CONTENT = "ml-platform/content"
"""Annotation of a slot's Deployment: a hash over everything that defines its pods."""

HOLD = "ml-platform/hold"
"""Annotation of a slot's autoscaler: why its floor is higher than the model's `scale.min`, and until when."""

SERVED = "ml-platform/served"
"""Annotation of an autoscaler: which versions have served, with image and content, since when and until when."""

STARTED = "ml-platform/started"
"""Annotation of a slot's Deployment, written by the guard and declared by nobody: how long its last start took."""

ACTIVE = "ml-platform/active"
"""Annotation of a routing Service whose selector names no slot: which slot is the active one."""

NODE_POOL = "ml-platform/node-pool"
"""Label of a node, and key of the taint that keeps others off it: the pool that it belongs to."""

ISSUER = "cert-manager.io/cluster-issuer"
"""Annotation of cert-manager's, on an Ingress or a Gateway: who signs the certificates that it names."""

SKIP_AWAIT = "pulumi.com/skipAwait"
"""Annotation of the official provider: do not wait for readiness."""

PATCH_FORCE = "pulumi.com/patchForce"
"""Annotation of the official provider: take declared fields back from whoever changed them by hand.

It stands on what people change in an emergency (`kubectl patch service`, `set image`, `edit hpa`): without it the next
`up` that touches the object, a switch included, fails with a conflict until somebody edits the program. Fields that
another controller owns are not declared, so there is nothing to take from one.
"""

SERVED_PORT = "http"
"""The name of the port on which a model serves, in its container and in each of its Services.

Services and network policies point at the name: two versions of a model may listen on different numbers.
"""


def owner_labels(*, team: str, environment: str, name: str | None = None) -> dict[str, str]:
    """Labels that say whose an object is, so that cost and access can be told apart by team and environment."""
    labels = {MANAGED_BY: "pulumi", TEAM: team, ENVIRONMENT: environment}
    return labels if name is None else {NAME: name, **labels}


def slot_name(model: str, slot: Place) -> str:
    """Give the one name of a slot's Deployment, autoscaler, disruption budget and Service."""
    return model if slot == ONLY else f"{model}-{slot}"


def slot_selector(model: str, slot: Place) -> Mapping[str, str]:
    """Select the pods of one slot: never by version, because a Deployment's selector cannot change."""
    return {NAME: model, SLOT: slot}


def model_selector(model: str) -> Mapping[str, str]:
    """Select the pods of both slots, for traffic that is shared out by their numbers."""
    return {NAME: model}
