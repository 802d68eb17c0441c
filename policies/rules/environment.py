"""Which environments a rule speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.option import Option
from policies.rules.unknown import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.rules.rule import Manifest

__all__ = ["ENVIRONMENT", "ENVIRONMENTS", "MODEL", "SLOT", "TEAM", "VERSION", "meant"]

# What the platform writes on everything that it declares.
ENVIRONMENT = "ml-platform/environment"
TEAM = "ml-platform/team"
SLOT = "ml-platform/slot"
VERSION = "ml-platform/version"
MODEL = "app.kubernetes.io/name"

ENVIRONMENTS = Option(
    type=list[str],
    default=["prod", "production"],
    says="the environments that must stand the loss of a pod; a development cluster need not pay for a second one."
    f" An object without the label {ENVIRONMENT} is judged too",
)


def meant(manifest: Manifest, environments: Sequence[str]) -> bool:
    """Tell whether an object belongs to one of these environments, as far as it says."""
    said = look(manifest, "metadata", "labels", ENVIRONMENT)
    return not isinstance(said, str) or said in environments
