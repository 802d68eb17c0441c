"""Roles for the cluster's own parts: each is a user of its own with the rights that it needs and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GROUP", "READ", "Manifest", "Rule", "cluster_role", "cluster_role_binding", "rights"]

Manifest = dict[str, Any]
Rule = dict[str, Any]

GROUP = "rbac.authorization.k8s.io"
# What a cache of a kind of objects takes.
READ = ["get", "list", "watch"]


def cluster_role(name: str, rules: Sequence[Rule]) -> Manifest:
    """Return a role of the whole cluster."""
    return {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def cluster_role_binding(name: str, role: str, user: str) -> Manifest:
    """Return what gives a role to a user everywhere."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
    }


def rights(user: str, rules: Sequence[Rule]) -> list[Manifest]:
    """Return a role of the user's own name, and its binding."""
    return [cluster_role(user, rules), cluster_role_binding(user, user, user)]
