"""What an autoscaler of nodes needs, and what it would contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.settings.autoscaler import AutoscalerFlags
from infra.settings.cluster import MADE_HERE
from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.rules.raw import as_amount, as_seconds, as_text, as_whole, below, given, mapping, models

__all__ = ["autoscaler", "expendable", "headroom"]

_HEADROOM = -10

_CUTOFF = AutoscalerFlags().expendable_pods_priority_cutoff

_RUN_IT = ("gke", "aks")
"""Clusters whose cloud runs the Cluster Autoscaler itself."""

_OF_A_DEPLOYMENT = ("cloud", "image", "identity", "priorities")

_THEIRS = "the cloud runs cluster-autoscaler itself"
_FOREVER = "its nodes are as many as their pools have, so that min and max are the same"
_WITHOUT: Mapping[str, Mapping[str, str]] = {
    "gke": {"karpenter": _THEIRS},
    "aks": {"karpenter": _THEIRS},
    "kind": {"karpenter": _FOREVER, "cluster-autoscaler": _FOREVER},
}


def autoscaler(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find an autoscaler without what it needs, and pools that could not do what they say."""
    pools, provider = mapping(raw, "cluster", "nodePools"), as_text(below(raw, "cluster", "provider"))
    if not isinstance(raw.get("autoscaler"), Mapping):
        if provider in MADE_HERE:
            yield from _fixed(pools, "no autoscaler is declared")
        return
    chosen = mapping(raw, "autoscaler")
    kind = chosen.get("kind", "cluster-autoscaler")
    why = _WITHOUT.get(provider or "", {}).get(kind)
    if why is not None:
        yield Mistake(path=("autoscaler", "kind"), message=f"{kind} does not run on {provider}; {why}")
    elif kind == "cluster-autoscaler" and provider in _RUN_IT:
        yield from _foreign(chosen, f"{provider}, which runs the cluster-autoscaler itself", _OF_A_DEPLOYMENT)
        yield from _foreign(chosen, "cluster-autoscaler", ("karpenter",))
        yield from _patience(chosen, pools)
    elif kind == "cluster-autoscaler":
        needs = {"cloud": "where nodes come from", "image": "its image by digest"}
        if provider == "eks":
            del needs["cloud"]
            if chosen.get("cloud", "aws") != "aws":
                yield Mistake(path=("autoscaler", "cloud"), message="is aws on eks; leave it out")
        yield from _lacking(chosen, pools, "the cluster-autoscaler", needs)
        yield from _expander(chosen)
        yield from _patience(chosen, pools)
        yield from _foreign(chosen, "cluster-autoscaler", ("karpenter",))
    elif kind == "karpenter":
        yield from _karpenter(chosen, pools)
    elif kind == "none":
        yield from _fixed(pools, "autoscaler.kind is none")


def _karpenter(chosen: Mapping[str, Any], pools: Mapping[str, Any]) -> Iterator[Mistake]:
    needs = {"image": "its image by digest", "karpenter": "the cloud's nodeClass"}
    yield from _lacking(chosen, pools, "karpenter", needs)
    yield from _foreign(chosen, "karpenter", ("cloud", "flags", "priorities"))
    for name, pool in pools.items():
        if as_whole(mapping({"": pool}, "").get("min", 0)):
            yield Mistake(
                path=("cluster", "nodePools", str(name), "min"),
                message="karpenter keeps no idle nodes: it brings them as pods need them; leave min out",
            )
        if not given(pool, "instance"):
            # Else a NodePool takes any machine, and the proof of room counts with one that none of them may be.
            yield Mistake(
                path=("cluster", "nodePools", str(name), "instance"),
                message="is missing; karpenter would take any machine, whatever the pool says",
            )
    for index, budget in enumerate(mapping(chosen, "karpenter", "disruption").get("budgets") or ()):
        said = mapping({"": budget}, "")
        path = ("autoscaler", "karpenter", "disruption", "budgets", index)
        if given(said, "schedule") != given(said, "duration"):
            yield Mistake(path=path, message="schedule and duration belong together: give both, or neither")
        if (lasts := as_seconds(said.get("duration"))) is not None and lasts % 60:
            yield Mistake(path=(*path, "duration"), message=f"{lasts:g} s is no whole minute, which is all cron knows")


def _lacking(
    chosen: Mapping[str, Any], pools: Mapping[str, Any], who: str, needs: Mapping[str, str]
) -> Iterator[Mistake]:
    for key, what in needs.items():
        if not given(chosen, key):
            yield Mistake(path=("autoscaler", key), message=f"is missing; {who} needs {what}")
    if not pools:
        yield Mistake(path=("autoscaler",), message="has nothing to scale; declare cluster.nodePools")


def _foreign(chosen: Mapping[str, Any], kind: str, keys: tuple[str, ...]) -> Iterator[Mistake]:
    for key in keys:
        if given(chosen, key):
            yield Mistake(path=("autoscaler", key), message=f"says nothing to {kind}; leave it out")


def _expander(chosen: Mapping[str, Any]) -> Iterator[Mistake]:
    expander = mapping(chosen, "flags").get("expander", ())
    prioritised = isinstance(expander, list | tuple) and "priority" in expander
    if prioritised and not mapping(chosen, "priorities"):
        yield Mistake(path=("autoscaler", "priorities"), message='is missing; expander "priority" reads it')
    if mapping(chosen, "priorities") and not prioritised:
        yield Mistake(
            path=("autoscaler", "priorities"), message='is read by expander "priority" alone; add it to flags.expander'
        )


def _patience(chosen: Mapping[str, Any], pools: Mapping[str, Any]) -> Iterator[Mistake]:
    waits = as_seconds(mapping(chosen, "flags").get("maxNodeProvisionTime", "15m"))
    for name, pool in pools.items():
        takes = as_seconds(mapping({"": pool}, "").get("provisioning", "5m"))
        if waits is not None and takes is not None and takes >= waits:
            yield Mistake(
                path=("cluster", "nodePools", str(name), "provisioning"),
                message=f"{takes:g} s is as long as the autoscaler waits before it gives a node up, {waits:g} s; raise"
                " autoscaler.flags.maxNodeProvisionTime",
            )


def headroom(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find room that is kept on a pool that is not there, or that no node of it has."""
    pools = mapping(raw, "cluster", "nodePools")
    for name, room in mapping(raw, "headroom", "pools").items():
        path: KeyPath = ("headroom", "pools", str(name))
        if name not in pools:
            known = [str(pool) for pool in pools]
            yield Mistake(
                path=path,
                message=f"unknown pool {quote(name)}; known: {quoted_list(known)}{did_you_mean(str(name), known)}",
            )
            continue
        for key, offered in (("cpu", ("allocatable", "cpu")), ("memory", ("allocatable", "memory"))):
            asked, there = as_amount(below(room, key)), as_amount(below(pools[name], *offered))
            if asked is not None and there is not None and asked > there:
                yield Mistake(
                    path=(*path, key),
                    message=f"{quote(below(room, key))} is more than a node has, {quote(below(pools[name], *offered))}",
                )
        gpus = as_whole(below(pools[name], "accelerators", "nvidia.com/gpu")) or 0
        if (as_whole(below(room, "gpu")) or 0) > gpus:
            yield Mistake(path=(*path, "gpu"), message=f"is more than a node has, {gpus}")
    cutoff = as_whole(below(raw, "autoscaler", "flags", "expendablePodsPriorityCutoff"))
    if mapping(raw, "headroom") and cutoff is not None and cutoff > _HEADROOM:
        yield Mistake(
            path=("autoscaler", "flags", "expendablePodsPriorityCutoff"),
            message=f"{cutoff} is above {_HEADROOM}, headroom's priority, which then brings no node",
        )


def expendable(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find models of a class for whose pods the cluster-autoscaler brings no node."""
    chosen = mapping(raw, "autoscaler")
    if not chosen or chosen.get("kind", "cluster-autoscaler") != "cluster-autoscaler":
        return
    cutoff = as_whole(mapping(chosen, "flags").get("expendablePodsPriorityCutoff", _CUTOFF))
    for model in models(raw):
        value = as_whole(below(raw, "priorityClasses", model.priority_class or "", "value"))
        if value is not None and cutoff is not None and value < cutoff:
            yield Mistake(
                path=(*model.path, "priorityClass"),
                message=f"has the value {value}, for whose pods the autoscaler brings no node: it passes over all below"
                f" {cutoff}, autoscaler.flags.expendablePodsPriorityCutoff",
            )


def _fixed(pools: Mapping[str, Any], why: str) -> Iterator[Mistake]:
    for name, pool in pools.items():
        least, most = (as_whole(mapping({"": pool}, "").get(key, 0)) for key in ("min", "max"))
        if least is not None and most is not None and least < most:
            yield Mistake(
                path=("cluster", "nodePools", str(name), "min"),
                message=f"min is {least} and max {quote(most)}, and {why}: nothing would bring the"
                " nodes between them; give both the same number",
            )
