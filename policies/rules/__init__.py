"""The rules, in the order in which they are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules.availability import pdb_allows_disruption, replicas_ha
from policies.rules.budgets import environment_budget, gpu_budget, gpu_surge_fits_quota
from policies.rules.dangling import dangling_references
from policies.rules.filesystem import read_only_root
from policies.rules.health import probes
from policies.rules.identity import no_automount_token, no_default_service_account
from policies.rules.images import image_digest, image_not_latest, image_registry
from policies.rules.ingress import ingress_no_wildcard, ingress_tls
from policies.rules.objects import Object, kind_of, objects
from policies.rules.pod_security import BASELINE, RESTRICTED
from policies.rules.rbac import (
    rbac_no_cluster_admin,
    rbac_no_escalation,
    rbac_no_pod_exec,
    rbac_no_secrets_wide,
    rbac_no_wildcards,
)
from policies.rules.resources import requests_limits
from policies.rules.rollouts import grace_period, priority_class, rolling_strategy, spread
from policies.rules.rule import Finding, Rule
from policies.rules.scaling import hpa_bounds, hpa_owns_replicas, hpa_target, one_autoscaler
from policies.rules.secrets import no_plain_secret_in_stack, no_secret_in_config_map, no_secret_in_env
from policies.rules.services import service_no_external_ips, service_not_node_port
from policies.rules.slots import active_slot_ready_size, slots_match_their_versions, version_immutable
from policies.rules.stack import Stack
from policies.rules.tenancy import (
    namespace_labels,
    namespace_limit_range,
    namespace_quota,
    network_default_deny,
    no_default_namespace,
)
from policies.rules.unknown import UNKNOWN
from policies.rules.waiting import await_longer_than_start

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RULES", "SUBJECTS", "UNKNOWN", "Finding", "Object", "Rule", "Stack", "concerns", "findings", "objects"]

SUBJECTS: dict[str, tuple[Rule, ...]] = {
    "Workloads": (
        requests_limits,
        probes,
        image_digest,
        image_registry,
        image_not_latest,
        read_only_root,
        no_default_service_account,
        no_automount_token,
        replicas_ha,
        spread,
        rolling_strategy,
        priority_class,
        grace_period,
    ),
    "Identity": (
        rbac_no_wildcards,
        rbac_no_cluster_admin,
        rbac_no_escalation,
        rbac_no_secrets_wide,
        rbac_no_pod_exec,
    ),
    "Tenancy": (
        namespace_labels,
        namespace_quota,
        namespace_limit_range,
        network_default_deny,
        no_default_namespace,
    ),
    "Network": (
        ingress_tls,
        ingress_no_wildcard,
        service_not_node_port,
        service_no_external_ips,
        dangling_references,
    ),
    "Secrets": (no_secret_in_env, no_secret_in_config_map, no_plain_secret_in_stack),
    "Scaling": (hpa_target, hpa_bounds, hpa_owns_replicas, pdb_allows_disruption, one_autoscaler),
    "Rollout": (
        active_slot_ready_size,
        slots_match_their_versions,
        version_immutable,
        await_longer_than_start,
        gpu_surge_fits_quota,
    ),
    "Cost": (gpu_budget, environment_budget),
    "Pod Security, baseline": BASELINE,
    "Pod Security, restricted": RESTRICTED,
}
"""The rules by what they are about."""

RULES: tuple[Rule, ...] = tuple(rule for rules in SUBJECTS.values() for rule in rules)


def concerns(rule: Rule, resource_type: str) -> bool:
    """Tell by a resource's type alone whether a rule has anything to look at."""
    kind = kind_of(resource_type)
    return kind is not None and (kind.endswith("List") or kind.removesuffix("Patch") in rule.kinds)


def findings(
    rule: Rule, resource_type: str, properties: dict[str, Any], chosen: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Apply a rule to one resource of Pulumi's: to the object that it is, or to each of the list that it is.

    Args:
        rule: the rule; one that compares objects finds nothing in one.
        resource_type: the resource's type token.
        properties: its inputs, plain.
        chosen: what is configured of the rule's options.

    """
    if rule.across:
        return []
    return [
        finding
        for found in objects(resource_type, properties)
        if found.kind in rule.kinds and not (found.partial and rule.requires)
        for finding in found.placed(rule.judge(found.manifest, chosen))
    ]
