"""What each kind of cluster needs, and what would say nothing to it."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from infra.settings.cluster import CLOUDS, MADE_HERE
from infra.settings.errors import KeyPath, Mistake, quote, quoted_list
from infra.settings.ground import ProviderNetwork
from infra.settings.rules.raw import as_text, as_whole, below, given, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["cluster"]

_SECTIONS = ("eks", "gke", "aks", "kind")
_REACHED_BY = ("kubeconfig", "kubeconfigSecret", "stack")
_NVIDIA = "nvidia.com/gpu"
# Where nodes do not come with what tells of their devices.
_WITHOUT_PLUGIN = ("existing", "aks")
_OF_CLOUDS = ("apiAccess", "logs", "encryptionKey", "network")

# EKS wants two zones at least, and the network is cut in eight, of which one part is for what is public.
_EKS_ZONES = range(2, 7)
_EKS_NODES = range(16, 21)
# Names of agent pools: https://learn.microsoft.com/azure/aks/create-node-pools, limits for Linux.
_AKS_POOL = re.compile(r"[a-z][a-z0-9]{0,11}")
_AKS_SYSTEM = "system"
_GKE_POOL = 40
# How many pods a node may be told to take; EKS' own number follows from the instance.
_PODS = {"gke": range(8, 257), "aks": range(10, 251)}


def cluster(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find what a cluster lacks or has too much of, by who makes it."""
    said = mapping(raw, "cluster")
    provider = as_text(said.get("provider"))
    if provider is None or provider not in ("existing", *MADE_HERE):
        return  # the schema says what is allowed
    yield from _sections(said, provider)
    if provider == "existing":
        yield from _existing(said, raw)
    else:
        yield from _made(said, provider)
    if provider in CLOUDS:
        yield from _cloud(said, provider)
    yield from _devices(said, provider)
    if "teams" not in raw and provider == "existing":
        yield Mistake(path=("teams",), message="is missing; without one this stack would declare nothing")


def _sections(said: Mapping[str, Any], provider: str) -> Iterator[Mistake]:
    for section in _SECTIONS:
        if section == provider and not given(said, section):
            yield Mistake(path=("cluster", section), message=f"is missing; provider {provider} needs it")
        if section != provider and given(said, section):
            yield Mistake(path=("cluster", section), message=f"says nothing to provider {provider}; leave it out")
    if provider not in CLOUDS:
        yield from _unread(said, provider, _OF_CLOUDS)
    if provider not in MADE_HERE:
        yield from _unread(said, provider, ("protect",))


def _devices(said: Mapping[str, Any], provider: str) -> Iterator[Mistake]:
    if not given(said, "devicePlugin"):
        return
    if provider not in _WITHOUT_PLUGIN:
        yield from _unread(said, provider, ("devicePlugin",))
    elif not any(given(pool, "accelerators", _NVIDIA) for pool in mapping(said, "nodePools").values()):
        yield Mistake(path=("cluster", "devicePlugin"), message=f"has nothing to tell of: no pool has {_NVIDIA}")


def _unread(said: Mapping[str, Any], provider: str, keys: tuple[str, ...]) -> Iterator[Mistake]:
    for key in keys:
        if given(said, key):
            yield Mistake(path=("cluster", key), message=f"says nothing to provider {provider}; leave it out")


def _existing(said: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[Mistake]:
    by = [key for key in _REACHED_BY if given(said, key)]
    if len(by) > 1:
        yield Mistake(path=("cluster", by[1]), message=f"{quoted_list(by)} are ways to the same cluster; give one")
    if not given(said, "context") and not {"kubeconfigSecret", "stack"} & {*by}:
        yield Mistake(
            path=("cluster", "context"),
            message="is missing; with the kubeconfig's current context, a stack would go wherever kubectl last was",
        )
    name, known = as_text(said.get("kubeconfigSecret")), [str(name) for name in mapping(raw, "secrets")]
    if name is not None and name not in known:
        yield Mistake(
            path=("cluster", "kubeconfigSecret"),
            message=f"names no secret; known: {quoted_list(known)}; set it with: pulumi config set --secret --path"
            f" ml-platform:secrets.{name} < kubeconfig",
        )


def _made(said: Mapping[str, Any], provider: str) -> Iterator[Mistake]:
    yield from _unread(said, provider, ("context", *_REACHED_BY))
    if provider == "kind" and given(said, "version"):
        yield Mistake(path=("cluster", "version"), message="is fixed by kind.image; leave it out")
    if not mapping(said, "nodePools"):
        yield Mistake(path=("cluster", "nodePools"), message=f"is missing; {provider} would make a cluster of no nodes")


def _cloud(said: Mapping[str, Any], provider: str) -> Iterator[Mistake]:
    if not given(said, "version"):
        yield Mistake(
            path=("cluster", "version"), message="is missing; the cloud would choose one, and move on from it by itself"
        )
    yield from _ranges(said)
    pools = {str(name): mapping({"": pool}, "") for name, pool in mapping(said, "nodePools").items()}
    for name, pool in pools.items():
        path: KeyPath = ("cluster", "nodePools", name)
        if not given(pool, "instance"):
            yield Mistake(path=(*path, "instance"), message=f"is missing; {provider} is to make such machines")
        if given(pool, "device") != (provider == "gke" and bool(mapping(pool, "accelerators"))):
            yield Mistake(
                path=(*path, "device"),
                message=f"says nothing to provider {provider}; leave it out"
                if given(pool, "device")
                else "is missing; gke orders accelerators by their own name, such as nvidia-l4",
            )
        pods, allowed = as_whole(below(pool, "allocatable", "pods")), _PODS.get(provider)
        if pods is not None and allowed is not None and pods not in allowed:
            yield Mistake(
                path=(*path, "allocatable", "pods"),
                message=f"{pods} is not possible; allowed on {provider}: {allowed[0]} to {allowed[-1]}",
            )
    yield from {"eks": _eks, "gke": _gke, "aks": _aks}[provider](said, pools)


def _ranges(said: Mapping[str, Any]) -> Iterator[Mistake]:
    ranges = {}
    for key, field in ProviderNetwork.model_fields.items():
        try:
            ranges[key] = IPv4Network(as_text(below(said, "network", key)) or field.default)
        except ValueError:
            return  # the schema's own check names it
    for one, other in (("nodes", "pods"), ("nodes", "services"), ("pods", "services")):
        if ranges[one].overlaps(ranges[other]):
            yield Mistake(
                path=("cluster", "network", other),
                message=f"{ranges[other]} and {one}, {ranges[one]}, overlap; allowed: ranges that have no address in"
                " common",
            )


def _zones(pools: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[KeyPath, str]]:
    for name, pool in pools.items():
        listed = pool.get("zones")
        for index, zone in enumerate(listed if isinstance(listed, list | tuple) else ()):
            if isinstance(zone, str):
                yield ("cluster", "nodePools", name, "zones", index), zone


def _eks(said: Mapping[str, Any], pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    region = as_text(below(said, "eks", "region"))
    zones = set()
    for path, zone in _zones(pools):
        zones.add(zone)
        if region is not None and not re.fullmatch(rf"{re.escape(region)}[a-f]", zone):
            yield Mistake(path=path, message=f"{quote(zone)} is no zone of {region}; allowed: {region}a to {region}f")
    if len(zones) not in _EKS_ZONES:
        yield Mistake(
            path=("cluster", "nodePools"),
            message=f"have {len(zones)} zones together; allowed: {_EKS_ZONES[0]} to {_EKS_ZONES[-1]}, over which eks"
            " spreads the control plane",
        )
    for name, pool in pools.items():
        if not pool.get("zones"):
            yield Mistake(path=("cluster", "nodePools", name, "zones"), message="is missing; eks needs to know where")
    nodes = as_text(below(said, "network", "nodes")) or "10.40.0.0/16"
    length = as_whole(int(nodes.rpartition("/")[2])) if nodes.rpartition("/")[2].isdecimal() else None
    if length is not None and length not in _EKS_NODES:
        yield Mistake(
            path=("cluster", "network", "nodes"),
            message=f"{quote(nodes)} is a /{length}; allowed on eks: /{_EKS_NODES[0]} to /{_EKS_NODES[-1]}",
        )


def _gke(said: Mapping[str, Any], pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    region = as_text(below(said, "gke", "region"))
    for path, zone in _zones(pools):
        if region is not None and not re.fullmatch(rf"{re.escape(region)}-[a-z]", zone):
            yield Mistake(path=path, message=f"{quote(zone)} is no zone of {region}; allowed: such as {region}-a")
    for name in pools:
        if len(name) > _GKE_POOL:
            yield Mistake(
                path=("cluster", "nodePools", name),
                message=f"has {len(name)} characters; at most {_GKE_POOL} are allowed on gke",
            )


def _aks(said: Mapping[str, Any], pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    location = as_text(below(said, "aks", "location"))
    for path, zone in _zones(pools):
        if location is not None and not re.fullmatch(rf"{re.escape(location)}-[1-3]", zone):
            yield Mistake(
                path=path, message=f"{quote(zone)} is no zone of {location}; allowed: {location}-1 to {location}-3"
            )
    for name in pools:
        if not _AKS_POOL.fullmatch(name) or name == _AKS_SYSTEM:
            yield Mistake(
                path=("cluster", "nodePools", name),
                message=f"bad name for a pool of aks; allowed: at most 12 lower-case letters and digits, beginning with"
                f" a letter, and not {_AKS_SYSTEM}, which is the pool of its own",
            )
    if "logs" in said and not given(said, "aks", "logWorkspace"):
        yield Mistake(
            path=("cluster", "aks", "logWorkspace"), message="is missing; without it logs are written nowhere"
        )
