"""The provider's own settings: from its arguments, then from the environment, then the defaults."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.plugins.kubernetes import kubeconfig
from sandbox.plugins.kubernetes.errors import ProviderError, UnreachableError
from sandbox.plugins.properties import UNKNOWN, has_unknowns, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Configuration", "changed_settings", "failures", "read_configuration"]

# The official provider allows 50 requests a second and 120 at once, under which the creation of 500 objects
# alone takes 8 s. API servers guard themselves by priority and fairness since 1.20; these limits only keep a
# faulty loop of ours from being a nuisance, at twice what two cores were seen to send (150 a second).
_REQUESTS_A_SECOND = 300.0
_BURST = 600

# No request of ours outlives it: watches are not used, and the server gives up on its own after 60 s.
_REQUEST_SECONDS = 60.0

_NO_RENDERING = "the sandbox's provider does not render YAML; install the official kubernetes plugin for that"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What Configure settled; the words are those of the official provider's arguments."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    enable_server_side_apply: bool = True
    enable_patch_force: bool = False
    enable_config_map_mutable: bool = False
    enable_secret_mutable: bool = False
    upsert_existing_objects: bool = False
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    suppress_deprecation_warnings: bool = False
    requests_a_second: float = _REQUESTS_A_SECOND
    burst: int = _BURST
    request_seconds: float = _REQUEST_SECONDS


def failures(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name what cannot be used in a provider's inputs, as pairs of property and reason."""
    if inputs.get("renderYamlToDirectory"):
        return [("renderYamlToDirectory", _NO_RENDERING)]
    try:
        if not has_unknowns(inputs):
            read_configuration(inputs)
    except ProviderError as error:
        return [("", str(error))]
    return []


def read_configuration(inputs: Mapping[str, Any]) -> Configuration:
    """Read the provider's arguments; flags arrive as text or truth value, structures as JSON text.

    Raises:
        ProviderError: a setting that cannot be read, or that this provider does not offer.

    """
    given = plain(dict(inputs))
    if given.get("renderYamlToDirectory"):
        raise ProviderError(_NO_RENDERING)
    client = _structure(given, "kubeClientSettings")
    config = given.get("kubeconfig")
    return Configuration(
        kubeconfig=json.dumps(config) if isinstance(config, dict) else config or None,
        context=given.get("context") or None,
        cluster=given.get("cluster") or None,
        namespace=given.get("namespace") or None,
        enable_server_side_apply=_flag(given, "enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", default=True),
        enable_patch_force=_flag(given, "enablePatchForce", "ENABLE_PATCH_FORCE"),
        enable_config_map_mutable=_flag(given, "enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
        enable_secret_mutable=_flag(given, "enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
        upsert_existing_objects=_flag(given, "upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
        delete_unreachable=_flag(given, "deleteUnreachable", "DELETE_UNREACHABLE"),
        skip_update_unreachable=_flag(given, "skipUpdateUnreachable", "SKIP_UPDATE_UNREACHABLE"),
        suppress_deprecation_warnings=_flag(given, "suppressDeprecationWarnings", "SUPPRESS_DEPRECATION_WARNINGS"),
        requests_a_second=_number(client, "qps", "CLIENT_QPS", _REQUESTS_A_SECOND),
        burst=int(_number(client, "burst", "CLIENT_BURST", _BURST)),
        request_seconds=_number(client, "timeout", "CLIENT_TIMEOUT", _REQUEST_SECONDS),
    )


def _flag(given: Mapping[str, Any], name: str, variable: str, *, default: bool = False) -> bool:
    value = given.get(name)
    if value is None:
        value = os.environ.get(f"PULUMI_K8S_{variable}")
    return default if value is None or value == "" else value is True or value == "true"


def _structure(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise ProviderError(f"{name} is not a JSON object: {value!r}") from None
    return value if isinstance(value, dict) else {}


def _number(given: Mapping[str, Any], name: str, variable: str, default: float) -> float:
    value = given.get(name)
    if value is None:
        value = os.environ.get(f"PULUMI_K8S_{variable}") or default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if number <= 0:
        raise ProviderError(f"kubeClientSettings.{name} must be a number above zero, not {value!r}")
    return number


def changed_settings(olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Name the settings that differ, and those among them for which every object must be made anew.

    With `clusterIdentifier` on either side only its own change does that. Without it, a change that leads
    to another cluster does (another server or another authority); renewed credentials never do.
    """
    ignored = {"version"}
    diffs = sorted(key for key in (set(olds) | set(news)) - ignored if plain(olds.get(key)) != plain(news.get(key)))
    if olds.get("clusterIdentifier") or news.get("clusterIdentifier"):
        return diffs, [key for key in diffs if key == "clusterIdentifier" and olds.get(key) and news.get(key)]
    if has_unknowns(dict(news)):
        return diffs, []
    before, after = _cluster(olds), _cluster(news)
    if before is None or after is None or before == after:
        return diffs, []
    return diffs, [key for key in diffs if key in {"kubeconfig", "context", "cluster"}]


def _cluster(inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cluster entry that provider inputs lead to, without which nothing can be compared."""
    given = plain({key: value for key, value in inputs.items() if value is not UNKNOWN})
    config = given.get("kubeconfig")
    try:
        found = kubeconfig.load(json.dumps(config) if isinstance(config, dict) else config)
    except UnreachableError:
        return None
    return kubeconfig.active_cluster(found[0], given.get("context"), given.get("cluster")) if found else None
