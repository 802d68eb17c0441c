"""Fields whose change needs a new object, a kind at a time.

The list is the official provider's own (`forceNewProperties`), so that a plan names the same
replacements; where the API server refuses a change that is not listed here, the update says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.identity import group_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["forces_replacement", "immutable_paths"]

_IDENTITY = ("metadata.name", "metadata.namespace")

_CONTAINER = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)

_POD = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)

_VOLUME_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)

# By group and kind. `*` stands for every element of a list. A path covers all that is below it.
_KINDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("", "PersistentVolume"): tuple(f"spec.{name}" for name in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "Pod"): (
        *(f"spec.{name}" for name in _POD),
        *(f"spec.{containers}.*.{name}" for containers in ("containers", "initContainers") for name in _CONTAINER),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}

# A changed ConfigMap or Secret is made anew unless the provider says otherwise: under a made-up name,
# that is what restarts the pods which mount it.
_CONFIG_MAP_DATA = ("binaryData", "data")
_SECRET_DATA = ("data", "stringData")


def immutable_paths(
    obj: dict[str, Any],
    *,
    patch: bool,
    config_map_mutable: bool,
    secret_mutable: bool,
) -> list[tuple[str, ...]]:
    """Return the paths of an object whose change needs a replacement; a patch's only ones are its coordinates."""
    paths = list(_IDENTITY)
    kind = str(obj.get("kind", ""))
    group = group_of(str(obj.get("apiVersion", "")))
    if not patch:
        paths += _KINDS.get((group, kind), ())
        frozen = obj.get("immutable") is True
        if (group, kind) == ("", "ConfigMap") and (frozen or not config_map_mutable):
            paths += _CONFIG_MAP_DATA
        if (group, kind) == ("", "Secret") and (frozen or not secret_mutable):
            paths += _SECRET_DATA
    return [tuple(path.split(".")) for path in paths]


def forces_replacement(path: Sequence[str | int], frozen: list[tuple[str, ...]]) -> bool:
    """Tell whether a change at `path` touches one of the frozen paths, from above or from below."""
    return any(
        all(pattern in ("*", str(step)) for pattern, step in zip(patterns, path, strict=False)) for patterns in frozen
    )
