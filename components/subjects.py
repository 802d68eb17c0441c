"""Who is meant in a binding: `group:risk`, `user:ann`, `serviceaccount:ci/deployer`."""

from __future__ import annotations

__all__ = ["binding_subject"]


def binding_subject(subject: str) -> dict[str, str]:
    """Turn `group:risk`, `user:ann` or `serviceaccount:ci/deployer` into a binding's subject.

    Raises ValueError for any other form.
    """
    kind, _, name = subject.partition(":")
    match kind, name.partition("/"):
        case (("group" | "user"), _) if name:
            return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind.capitalize(), "name": name}
        case "serviceaccount", (namespace, "/", account) if namespace and account:
            return {"kind": "ServiceAccount", "namespace": namespace, "name": account}
    raise ValueError(
        f'access: "{subject}" is none of "group:<name>", "user:<name>", "serviceaccount:<namespace>/<name>"'
    )
