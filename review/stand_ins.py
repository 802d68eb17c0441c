"""What takes the place of everything in a stack's configuration that only its own cluster and people have. Pure.

Each stand-in is made from what it stands for, so that a change of the one is a change of the other: a secret that a
pull request sets anew is previewed as a change, and nobody needs its value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["StandIns", "hidden_changes", "nodes_wanted", "stood_in"]

PROJECT = "ml-platform"
_CLUSTER = f"{PROJECT}:cluster"
_GUARD = f"{PROJECT}:guard"
_MODELS = f"{PROJECT}:models"

# What only the stack's own cluster can have; a change of it is told in words, since the preview cannot show it.
_REACHED_BY = ("provider", "context", "kubeconfig", "kubeconfigSecret", "stack")
_MADE_OF = (
    "version",
    "apiAccess",
    "logs",
    "encryptionKey",
    "network",
    "protect",
    "eks",
    "gke",
    "aks",
    "kind",
)
_AUTOSCALER = f"{PROJECT}:autoscaler"

# How the engine wrote a stack's secrets down, and an environment of Pulumi's own service: neither can be read here.
_ENGINE_KEYS = ("secretsprovider", "encryptionsalt", "encryptedkey", "environment")

Digest = Callable[[Mapping[str, Any]], str]
"""Gives the SHA-256, in hexadecimal, of all that a `build:` can see."""


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """A stack's file as it can be applied here."""

    document: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    """By path, as `pulumi config set --path` has it; to be set as secrets."""
    notes: tuple[str, ...] = ()
    """What was replaced, for the reader of the report."""


def stood_in(document: Mapping[str, Any], *, kubeconfig: str, context: str, digest: Digest) -> StandIns:
    """Return the stack's file with stand-ins. `document` is the file's YAML, right or wrong: the program judges it."""
    written: dict[str, Any] = json.loads(json.dumps(document, default=str))
    notes: list[str] = []
    for key in _ENGINE_KEYS:
        written.pop(key, None)
    if "environment" in document:
        notes.append("values of the Pulumi ESC environment are left out")
    config = written.get("config")
    if not isinstance(config, dict):
        return StandIns(document=written)
    secrets: dict[str, str] = {}
    for path, cipher in list(_secure(config)):
        secrets[_path(path)] = f"stand-in-{_short(cipher)}"
        _put(config, path, "stand-in")
    if secrets:
        notes.append(f"{_count(len(secrets), 'secret')} replaced by stand-ins")
    builds = list(_builds(config))
    for name, version in builds:
        build = version.pop("build")
        version["image"] = f"{name}@sha256:{digest(build)}"
    if builds:
        named = ", ".join(sorted({name for name, _ in builds}))
        notes.append(f"{_count(len(builds), 'image')} not built ({named}): named by a digest of the build's files")
    cluster = config.get(_CLUSTER)
    if isinstance(cluster, dict):
        kept = {key: value for key, value in cluster.items() if key not in (*_REACHED_BY, *_MADE_OF)}
        config[_CLUSTER] = {**kept, "provider": "existing", "kubeconfig": kubeconfig, "context": context}
        notes += _without_its_cloud(config, cluster.get("provider"))
    guard = config.get(_GUARD, {})
    if isinstance(guard, dict):
        config[_GUARD] = {**guard, "smoke": False}
    return StandIns(document=written, secrets=secrets, notes=tuple(notes))


def _without_its_cloud(config: dict[str, Any], provider: object) -> list[str]:
    """Leave out what a cloud does by itself on a cluster that the stack makes, and say so."""
    if provider in (None, "existing"):
        return []
    autoscaler = config.get(_AUTOSCALER)
    if isinstance(autoscaler, dict) and provider == "eks":
        # What the settings know by the provider.
        if autoscaler.get("kind", "cluster-autoscaler") == "cluster-autoscaler":
            config[_AUTOSCALER] = {**autoscaler, "cloud": "aws"}
    elif isinstance(autoscaler, dict):
        del config[_AUTOSCALER]
    return [f"the cluster that {provider} makes, its network and its nodes are not previewed: that takes its cloud"]


def hidden_changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[str]:
    """Say what changes behind a stand-in, and so is not in the preview."""
    before, after = ((side.get("config") or {}).get(_CLUSTER) or {} for side in (base, head))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    found = [
        f"cluster.{key} changes from {before.get(key) or 'nothing'} to {after.get(key) or 'nothing'}: "
        "that is not previewed, and another cluster knows nothing of what this stack has made"
        for key in _REACHED_BY
        if before.get(key) != after.get(key)
    ]
    made = [key for key in _MADE_OF if before.get(key) != after.get(key)]
    if before.get("provider") not in (None, "existing") and before.get("nodePools") != after.get("nodePools"):
        made.append("nodePools")
    return found + [f"cluster.{key} changes: what its cloud makes of that is not previewed" for key in made]


def nodes_wanted(*documents: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Give the node pools and the extended resources (`nvidia.com/gpu`) that simulated nodes need to have."""
    pools: set[str] = set()
    resources = {"nvidia.com/gpu"}
    for key, value in _leaves(list(documents)):
        if key == "nodePool" and isinstance(value, str):
            pools.add(value)
        elif key.startswith("requests.") and "/" in key:
            resources.add(key.removeprefix("requests."))
    return pools, resources


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield from _leaves(held, str(name))
    elif isinstance(value, list):
        for held in value:
            yield from _leaves(held, key)
    else:
        yield key, value


def _secure(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find the secrets: `{secure: <ciphertext>}`, at whatever place."""
    if isinstance(value, dict):
        if value.keys() == {"secure"}:
            yield path, str(value["secure"])
            return
        for key, held in value.items():
            yield from _secure(held, (*path, key))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _secure(held, (*path, index))


def _put(config: dict[str, Any], path: tuple[str | int, ...], value: str) -> None:
    place: Any = config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value


def _path(path: tuple[str | int, ...]) -> str:
    """Write a path as the engine reads it; every key but the first, which is the configuration's own, in brackets."""
    return str(path[0]) + "".join(f"[{json.dumps(key)}]" for key in path[1:])


def _builds(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    models = config.get(_MODELS)
    for name, model in models.items() if isinstance(models, dict) else ():
        versions = model.get("versions") if isinstance(model, dict) else None
        for version in versions.values() if isinstance(versions, dict) else ():
            if isinstance(version, dict) and isinstance(version.get("build"), dict):
                yield str(name), version


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _count(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"
