"""Which identity a pod has before the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pods import POD_KINDS, pod_specs
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["no_automount_token", "no_default_service_account"]


@rule(
    id="no-automount-token",
    severity="high",
    reason="A model has nothing to ask the API server; a token in its filesystem is an intruder's way there",
    remedy="Set automountServiceAccountToken: false in the pod's spec; a pod that needs a token projects one by name.",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
    kinds=POD_KINDS,
    requires=True,
)
def no_automount_token(manifest: Manifest) -> Iterator[Finding]:
    """Every pod says that it wants no API token; the pod's word wins over its ServiceAccount's."""
    for spec in pod_specs(manifest):
        value = look(spec.values, "automountServiceAccountToken")
        path = f"{spec.path}.automountServiceAccountToken"
        if value is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif value is not False:
            yield Finding(path=path, found="an API token is mounted")


@rule(
    id="no-default-service-account",
    severity="medium",
    reason="What default is granted, every pod of the namespace that names no other account is granted too",
    remedy="Set serviceAccountName to an account of the workload's own, or of its team.",
    source="https://kubernetes.io/docs/concepts/security/service-accounts/",
    kinds=POD_KINDS,
    requires=True,
)
def no_default_service_account(manifest: Manifest) -> Iterator[Finding]:
    """Every pod runs under a named ServiceAccount other than default."""
    for spec in pod_specs(manifest):
        # The API server takes the field's former name where the present one is missing.
        name = look(spec.values, "serviceAccountName") or look(spec.values, "serviceAccount")
        path = f"{spec.path}.serviceAccountName"
        if name is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif name in (None, "", "default"):
            yield Finding(path=path, found="runs as the namespace's default service account")
