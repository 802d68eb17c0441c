"""The rules, in the order in which they are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules.filesystem import read_only_root
from policies.rules.health import probes
from policies.rules.identity import no_automount_token, no_default_service_account, rbac_no_wildcards
from policies.rules.images import image_digest, image_not_latest
from policies.rules.objects import kind_of, objects
from policies.rules.pod_security import BASELINE, RESTRICTED
from policies.rules.resources import requests_limits
from policies.rules.rule import Finding, Rule
from policies.rules.secrets import no_secret_in_env
from policies.rules.services import service_not_node_port
from policies.rules.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RULES", "UNKNOWN", "Finding", "Rule", "concerns", "findings", "objects"]

RULES: tuple[Rule, ...] = (
    requests_limits,
    probes,
    image_digest,
    image_not_latest,
    read_only_root,
    no_automount_token,
    no_default_service_account,
    rbac_no_wildcards,
    no_secret_in_env,
    service_not_node_port,
    *BASELINE,
    *RESTRICTED,
)


def concerns(rule: Rule, resource_type: str) -> bool:
    """Tell by a resource's type alone whether a rule has anything to look at."""
    kind = kind_of(resource_type)
    return kind is not None and (kind.endswith("List") or kind.removesuffix("Patch") in rule.kinds)


def findings(
    rule: Rule, resource_type: str, properties: dict[str, Any], chosen: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Apply a rule to one resource of Pulumi's: to the object that it is, or to each of the list that it is.

    Args:
        rule: the rule.
        resource_type: the resource's type token.
        properties: its inputs, plain.
        chosen: what is configured of the rule's options.

    """
    return [
        finding
        for found in objects(resource_type, properties)
        if found.manifest.get("kind") in rule.kinds and not (found.partial and rule.requires)
        for finding in found.placed(rule.judge(found.manifest, chosen))
    ]
