"""What roles grant, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "rbac_no_cluster_admin",
    "rbac_no_escalation",
    "rbac_no_pod_exec",
    "rbac_no_secrets_wide",
    "rbac_no_wildcards",
]

_ROLES = ("Role", "ClusterRole")
_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices"
_PARTS = ("apiGroups", "resources", "verbs")


@rule(
    id="rbac-no-wildcards",
    severity="critical",
    reason="A wildcard also grants what does not exist yet: resources and verbs of add-ons to come",
    remedy="List the API groups, resources, verbs and URLs that are needed.",
    source=f"{_PRACTICES}/#least-privilege",
    kinds=_ROLES,
)
def rbac_no_wildcards(manifest: Manifest) -> Iterator[Finding]:
    """No role grants `*`. A URL that ends with `*`, such as /healthz/*, is a prefix and allowed; `*` alone is not."""
    for index, granted in enumerate(items(manifest.get("rules"))):
        for key in (*_PARTS, "nonResourceURLs"):
            path = f"rules[{index}].{key}"
            for value in items(look(granted, key)):
                if value is UNKNOWN:
                    yield Finding(path=path, found="not known in a preview", unknown=True)
                elif value == "*" or (key == "resources" and str(value).startswith("*/")):
                    yield Finding(path=path, found=f'grants "{value}"')


@rule(
    id="rbac-no-cluster-admin",
    severity="critical",
    reason="cluster-admin may do everything to everyone, the policies themselves included",
    remedy="Bind a role that lists what is needed; edit or admin within one namespace are seldom too little.",
    source=f"{_PRACTICES}/#least-privilege",
    kinds=("RoleBinding", "ClusterRoleBinding"),
)
def rbac_no_cluster_admin(manifest: Manifest) -> Iterator[Finding]:
    """No binding gives cluster-admin, by its name or by the group system:masters, which has it."""
    name = look(manifest, "roleRef", "name")
    if name is UNKNOWN:
        yield Finding(path="roleRef.name", found="not known in a preview", unknown=True)
    elif name == "cluster-admin":
        yield Finding(path="roleRef.name", found="gives cluster-admin")
    for index, subject in enumerate(items(manifest.get("subjects"))):
        path = f"subjects[{index}].name"
        if look(subject, "name") is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif look(subject, "kind") == "Group" and look(subject, "name") == "system:masters":
            yield Finding(path=path, found="system:masters is past every check")


@rule(
    id="rbac-no-escalation",
    severity="critical",
    reason="Who may bind or escalate roles, or impersonate others, has every right there is, in two steps",
    remedy="Remove the verbs bind, escalate and impersonate; bind is allowed for roles named in resourceNames.",
    source=f"{_PRACTICES}/#escalate-verb",
    kinds=_ROLES,
)
def rbac_no_escalation(manifest: Manifest) -> Iterator[Finding]:
    """No role says escalate, impersonate, or bind without naming roles or with cluster-admin. `*` has its own rule."""
    for index, granted in enumerate(items(manifest.get("rules"))):
        path = f"rules[{index}].verbs"
        for verb in items(look(granted, "verbs")):
            if verb is UNKNOWN:
                yield Finding(path=path, found="not known in a preview", unknown=True)
            elif verb in ("escalate", "impersonate") or (verb == "bind" and not _bound_to_some(granted)):
                yield Finding(path=path, found=f'grants "{verb}"')


def _bound_to_some(granted: Any) -> bool:
    names = items(look(granted, "resourceNames"))
    return bool(names) and "cluster-admin" not in names


@rule(
    id="rbac-no-secrets-wide",
    severity="critical",
    reason="Who may read all Secrets holds every password and every service account's token there",
    remedy="Name the Secrets in resourceNames, or mount the one that is needed.",
    source=f"{_PRACTICES}/#listing-secrets",
    kinds=_ROLES,
)
def rbac_no_secrets_wide(manifest: Manifest) -> Iterator[Finding]:
    """No role reads Secrets that it does not name; a list shows their contents too. `*` has its own rule."""
    yield from _granted(
        manifest,
        lambda group, resource: group == "" and resource == "secrets",
        ("get", "list", "watch"),
        "reads every Secret",
        unless_named=True,
    )


@rule(
    id="rbac-no-pod-exec",
    severity="high",
    reason="A shell in a pod has what the pod has, its secrets and its identity, and nothing of it is in the code",
    remedy="Remove pods/exec, pods/attach and nodes/proxy; debug with logs.",
    source=f"{_PRACTICES}/#privilege-escalation-risks",
    kinds=_ROLES,
)
def rbac_no_pod_exec(manifest: Manifest) -> Iterator[Finding]:
    """No role opens shells in pods: by the API server, or by the kubelet behind it. `*` has its own rule."""
    yield from _granted(
        manifest,
        lambda group, resource: group == "" and resource in ("pods/exec", "pods/attach", "nodes/proxy"),
        ("get", "create"),
        "opens a shell in any pod",
        unless_named=False,
    )


def _granted(
    manifest: Manifest,
    concerned: Callable[[str, str], bool],
    verbs: tuple[str, ...],
    says: str,
    *,
    unless_named: bool,
) -> Iterator[Finding]:
    """Find rules that grant one of these verbs on what is concerned.

    Wildcards are left to the rule about them: one mistake is told once.
    """
    for index, granted in enumerate(items(manifest.get("rules"))):
        groups, resources, allowed = (items(look(granted, part)) for part in _PARTS)
        if granted is UNKNOWN or UNKNOWN in (*groups, *resources, *allowed):
            yield Finding(path=f"rules[{index}]", found="not known in a preview", unknown=True)
            continue
        named = unless_named and items(look(granted, "resourceNames"))
        found = [resource for resource in resources if any(concerned(str(group), str(resource)) for group in groups)]
        given = [verb for verb in allowed if verb in verbs]
        if found and given and not named:
            yield Finding(
                path=f"rules[{index}]", found=f"{says} ({', '.join(map(str, given))} {', '.join(map(str, found))})"
            )
