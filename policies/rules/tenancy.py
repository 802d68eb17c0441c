"""What belongs to every namespace, and that everything belongs to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.environment import ENVIRONMENT, TEAM
from policies.rules.namespaced import NAMESPACED
from policies.rules.option import Option
from policies.rules.rule import Finding, Manifest, rule, stack_rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = [
    "namespace_labels",
    "namespace_limit_range",
    "namespace_quota",
    "network_default_deny",
    "no_default_namespace",
]

_ENFORCE = "pod-security.kubernetes.io/enforce"
# Namespaces that a cluster has by itself.
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "default")


@rule(
    id="namespace-labels",
    severity="high",
    reason="The API server holds pods to the standard that their namespace names, and costs are found by team",
    remedy=f"Set the label {_ENFORCE} to restricted (or baseline), and those that say whose namespace it is.",
    source="https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces",
    kinds=("Namespace",),
    requires=True,
    options={
        "labels": Option(
            type=list[str],
            default=[TEAM, ENVIRONMENT],
            says="labels that a namespace must have. The platform sets these two on each of its own; budgets are"
            " counted by them",
        ),
        "levels": Option(
            type=list[str],
            default=["restricted", "baseline"],
            says="Pod Security levels that may be enforced. `privileged` is none: it allows everything",
        ),
    },
)
def namespace_labels(manifest: Manifest, *, labels: list[str], levels: list[str]) -> Iterator[Finding]:
    """Every namespace has an enforced Pod Security level and says whose it is."""
    name, held = (look(manifest, "metadata", key) for key in ("name", "labels"))
    if name in _SYSTEM:
        return
    if held is UNKNOWN:
        yield Finding(path="metadata.labels", found="not known in a preview", unknown=True)
        return
    for label in (_ENFORCE, *labels):
        value = look(held, label)
        path = f'metadata.labels["{label}"]'
        if value is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif not value:
            yield Finding(path=path, found="missing")
        elif label == _ENFORCE and value not in levels:
            yield Finding(path=path, found=f'"{value}" is none of {", ".join(levels)}')


@rule(
    id="no-default-namespace",
    severity="high",
    reason="The namespace default has no quota, no network policy and no owner; and no namespace at all means"
    " whichever the caller's kubeconfig names",
    remedy="Set metadata.namespace to a team's namespace.",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#when-to-use-multiple-namespaces",
    kinds=NAMESPACED,
    requires=True,
)
def no_default_namespace(manifest: Manifest) -> Iterator[Finding]:
    """Every object that lives in a namespace names one, and not default."""
    name = look(manifest, "metadata", "namespace")
    if name is UNKNOWN:
        yield Finding(path="metadata.namespace", found="not known in a preview", unknown=True)
    elif name in (None, ""):
        yield Finding(path="metadata.namespace", found="names no namespace")
    elif name == "default":
        yield Finding(path="metadata.namespace", found="lives in the namespace default")


def _namespaces(stack: Stack) -> Iterator[Object]:
    """Find the namespaces that a stack makes. While it is under way, what belongs to them may still come."""
    if stack.complete:
        yield from (each for each in stack.of("Namespace") if each.name not in _SYSTEM)


@stack_rule(
    id="namespace-quota",
    severity="high",
    reason="Without a quota one team's mistake takes the whole cluster",
    remedy="Declare a ResourceQuota with requests.cpu and requests.memory in the namespace.",
    source="https://kubernetes.io/docs/concepts/policy/resource-quotas/",
    kinds=("Namespace", "ResourceQuota"),
)
def namespace_quota(stack: Stack) -> Iterator[Finding]:
    """Every namespace of the stack has a quota that bounds CPU and memory."""
    for namespace in _namespaces(stack):
        bounded, unknown = set[str](), False
        for quota in stack.within(namespace.name, "ResourceQuota"):
            hard = look(quota.manifest, "spec", "hard")
            unknown = unknown or hard is UNKNOWN
            bounded |= {str(name).removeprefix("requests.") for name in hard} if isinstance(hard, dict) else set()
        missing = [name for name in ("cpu", "memory") if name not in bounded]
        if missing:
            yield Finding(
                path="metadata.name",
                found=f"no ResourceQuota bounds {' and '.join(missing)}",
                unknown=unknown,
                about=namespace,
            )


@stack_rule(
    id="namespace-limit-range",
    severity="medium",
    reason="Where a quota counts requests, a pod without any is refused; a limit range gives it some",
    remedy="Declare a LimitRange of type Container with defaultRequest.cpu and defaultRequest.memory in the namespace.",
    source="https://kubernetes.io/docs/concepts/policy/limit-range/",
    kinds=("Namespace", "LimitRange"),
)
def namespace_limit_range(stack: Stack) -> Iterator[Finding]:
    """Every namespace of the stack has default requests. A `default` is one too, where no request is said."""
    for namespace in _namespaces(stack):
        given, unknown = set[str](), False
        for limits in stack.within(namespace.name, "LimitRange"):
            for limit in items(look(limits.manifest, "spec", "limits")):
                unknown = unknown or UNKNOWN in (limit, look(limit, "type"))
                if look(limit, "type") != "Container":
                    continue
                for defaults in (look(limit, "defaultRequest"), look(limit, "default")):
                    unknown = unknown or defaults is UNKNOWN
                    given |= {str(name) for name in defaults} if isinstance(defaults, dict) else set()
        missing = [name for name in ("cpu", "memory") if name not in given]
        if missing:
            yield Finding(
                path="metadata.name",
                found=f"no LimitRange gives a container a request for {' and '.join(missing)}",
                unknown=unknown,
                about=namespace,
            )


@stack_rule(
    id="network-default-deny",
    severity="high",
    reason="Without a policy every pod of the cluster reaches every other; what is allowed is then nobody's decision",
    remedy="Declare a NetworkPolicy with an empty podSelector, both policyTypes and no rules in the namespace.",
    source="https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic",
    kinds=("Namespace", "NetworkPolicy"),
)
def network_default_deny(stack: Stack) -> Iterator[Finding]:
    """Every namespace of the stack denies what no other policy allows, in and out."""
    for namespace in _namespaces(stack):
        denied, unknown = set[str](), False
        for policy in stack.within(namespace.name, "NetworkPolicy"):
            spec = look(policy.manifest, "spec")
            selector, types = look(spec, "podSelector"), look(spec, "policyTypes")
            unknown = unknown or UNKNOWN in (spec, selector, types)
            if selector == {}:
                # What is left out is Ingress, and Egress where there are rules for it.
                named = set(items(types)) if types is not None else {"Ingress"}
                denied |= {each for each in named if not look(spec, str(each).lower())}
        missing = [each for each in ("Ingress", "Egress") if each not in denied]
        if missing:
            yield Finding(
                path="metadata.name",
                found=f"no NetworkPolicy denies {' and '.join(missing)} by default",
                unknown=unknown,
                about=namespace,
            )
