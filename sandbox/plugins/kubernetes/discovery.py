"""Which kinds the API server serves, under which plural, and whether they live in a namespace."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes.errors import NoSuchKindError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLUSTER_SCOPED", "Discovery", "Resource"]

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "CSIDriver",
        "CSINode",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "IPAddress",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    },
)
"""Built-in kinds without a namespace: for plans that are made while no API server can be asked."""


@dataclass(frozen=True)
class Resource:
    """How a kind is addressed."""

    plural: str
    namespaced: bool


class Discovery:
    """The served kinds, asked for once a group and version, when first needed.

    A stack of 500 objects touches about ten of the forty groups, so one small request each beats reading all.
    """

    def __init__(self, fetch: Callable[[str], dict[str, Any] | None]) -> None:
        self._fetch = fetch
        self._groups: dict[str, dict[str, Resource]] = {}
        self._declared: dict[tuple[str, str], bool] = {}
        self._lock = threading.Lock()

    def resource(self, api_version: str, kind: str) -> Resource:
        """Return how to address a kind.

        Raises:
            NoSuchKindError: the server serves no such kind, asked again just now.
            UnreachableError: no server answers.

        """
        known = self._groups.get(api_version, {}).get(kind)
        if known is None:
            with self._lock:  # one question, however many objects wait for its answer
                known = self._groups.get(api_version, {}).get(kind)
                if known is None:
                    self._groups[api_version] = self._ask(api_version)
                    known = self._groups[api_version].get(kind)
        if known is None:
            raise NoSuchKindError(f'no matches for kind "{kind}" in version "{api_version}"')
        return known

    def declare(self, definition: dict[str, Any]) -> None:
        """Remember a CustomResourceDefinition of this plan, whose kind the server may not serve yet."""
        spec = definition.get("spec")
        if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
            return
        group, kind = spec.get("group"), spec["names"].get("kind")
        if isinstance(group, str) and isinstance(kind, str):
            self._declared[group, kind] = spec.get("scope") != "Cluster"

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Tell whether a kind lives in namespaces; one that nobody knows yet is taken to, as most do."""
        try:
            return self.resource(api_version, kind).namespaced
        except NoSuchKindError:
            return self._declared.get((api_version.rpartition("/")[0], kind), True)

    def _ask(self, api_version: str) -> dict[str, Resource]:
        answer = self._fetch(("/apis/" if "/" in api_version else "/api/") + api_version) or {}
        return {
            entry["kind"]: Resource(entry["name"], bool(entry["namespaced"]))
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]  # sub-resources such as deployments/scale share a kind's name
        }
