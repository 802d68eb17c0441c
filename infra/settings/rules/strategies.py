"""What each strategy needs, and what it has no use for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from infra.settings.errors import Mistake, did_you_mean, quote, quoted_list
from infra.settings.rules.raw import as_seconds, as_text, as_whole, below, given, mapping
from infra.settings.strategy import SLOTS

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["ROLLED_ONLY", "SLOTS_ONLY", "is_none", "strategy"]

SLOTS_ONLY = ("slots", "active", "canary", "idle", "analysis")
ROLLED_ONLY = ("version", "rollout")

_PULL = 600  # upstream's progressDeadlineSeconds, to which the time for starting is added
_START = 120  # as `content.StartProbe.within`


def strategy(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find keys of another strategy than the model's, and contradictions within its own."""
    if model.strategy is None:
        return
    rolled = model.strategy != "blue-green"
    for key in SLOTS_ONLY if rolled else ROLLED_ONLY:
        if given(model.values, key):
            instead = "it has one version and no slots" if rolled else "its versions stand in slots"
            owner = "blue-green" if rolled else "rolling or recreate"
            yield Mistake(
                path=(*model.path, key),
                message=f"is for strategy {owner}; this model's is {model.strategy}: {instead}",
            )
    if rolled:
        yield from _version(model)
        yield from _rollout(model)
    else:
        yield from _slots(model)
        yield from _canary(model, raw)
        yield from _idle(model)


def _unknown(model: RawModel, path: tuple[str | int, ...], version: str) -> Iterator[Mistake]:
    if version not in model.known:
        hint = did_you_mean(version, model.known)
        yield Mistake(path=path, message=f"unknown version {quote(version)}; known: {quoted_list(model.known)}{hint}")


def _version(model: RawModel) -> Iterator[Mistake]:
    path = (*model.path, "version")
    version = as_text(model.values.get("version"))
    if not given(model.values, "version"):
        yield Mistake(path=path, message=f"is missing; the version that serves, one of {quoted_list(model.known)}")
    elif version is not None:
        yield from _unknown(model, path, version)


def is_none(share: object) -> bool:
    """Tell whether a number of pods is none: 0 or 0%."""
    return share in (0, "0%") and not isinstance(share, bool)


def _rollout(model: RawModel) -> Iterator[Mistake]:
    rollout, path = mapping(model.values, "rollout"), (*model.path, "rollout")
    if model.strategy == "recreate":
        for key in ("maxSurge", "maxUnavailable"):
            if given(rollout, key):
                yield Mistake(path=(*path, key), message="is for strategy rolling; with recreate all pods end first")
    elif is_none(rollout.get("maxSurge", "25%")) and is_none(rollout.get("maxUnavailable", 0)):
        yield Mistake(
            path=(*path, "maxSurge"),
            message="maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced; set one of them to"
            " 1 or more",
        )
    ready = as_seconds(rollout.get("minReadySeconds", 0))
    deadline = as_seconds(rollout.get("progressDeadlineSeconds"))
    start = as_seconds(below(model.values, "probes", "start", "within"))
    allowed = (
        _PULL + (_START if start is None else start) if not given(rollout, "progressDeadlineSeconds") else deadline
    )
    if ready is not None and allowed is not None and ready >= allowed:
        by_default = " by default" if deadline is None else ""
        yield Mistake(
            path=(*path, "minReadySeconds"),
            message=f"{ready:g} s is not below progressDeadlineSeconds, {allowed:g} s{by_default}: every rollout would"
            " fail",
        )


def _slots(model: RawModel) -> Iterator[Mistake]:
    for slot, version in model.filled.items():
        yield from _unknown(model, (*model.path, "slots", slot), version)
    slots = model.values.get("slots")
    if slots is None:
        example = next(iter(model.known), "1")
        yield Mistake(
            path=(*model.path, "slots"),
            message=f"is missing; which version stands in which slot, such as {{blue: {quote(example)}}}",
        )
    if not isinstance(slots, Mapping):
        return
    empty = [slot for slot in SLOTS if slots.get(slot) is None]
    active = model.values.get("active")
    if len(empty) == len(SLOTS):
        message = "both slots are empty; put a version into blue or green"
        yield Mistake(path=(*model.path, "slots"), message=message)
    elif active is None and not empty:
        message = "is missing; both slots have a version, so name the one that serves"
        yield Mistake(path=(*model.path, "active"), message=message)
    elif active in empty:
        other = "green" if active == "blue" else "blue"
        yield Mistake(
            path=(*model.path, "active"),
            message=f"slot {quote(active)} is empty; put a version into slots.{active}, or name {quote(other)}",
        )


def _canary(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    path = (*model.path, "canary")
    idle = [slot for slot in SLOTS if slot not in model.filled]
    if model.canary_sends and len(idle) == 1:
        yield Mistake(
            path=path,
            message=f"would send requests to slot {quote(idle[0])}, which is empty; put a version into"
            f" slots.{idle[0]}, or leave canary out",
        )
    weighted = given(model.values, "route") and below(raw, "gateway", "api") in (None, "gateway")
    if weighted and given(raw, "gateway"):
        return
    canary = mapping(model.values, "canary")
    lacking = "a route of the Gateway API (route, and ml-platform:gateway with api: gateway)"
    if mapping(canary, "match", "headers"):
        yield Mistake(path=(*path, "match"), message=f"needs {lacking}; nothing else can tell requests apart")
    if as_whole(canary.get("mirror")):
        yield Mistake(path=(*path, "mirror"), message=f"needs {lacking}; nothing else can copy requests")
    if canary.get("percent") == 100:  # noqa: PLR2004  all of it
        yield Mistake(
            path=(*path, "percent"),
            message=f"100 without {lacking} would be a share of pods, which leaves the active slot none; to send"
            " everything, switch active",
        )


def _idle(model: RawModel) -> Iterator[Mistake]:
    size, most = as_whole(below(model.values, "idle", "size")), model.most
    if size is not None and most is not None and size > most >= 1:
        by_default = "" if given(model.values, "scale", "max") else " by default"
        yield Mistake(
            path=(*model.path, "idle", "size"),
            message=f"{size} is above scale.max, {most}{by_default}; allowed: 1 up to that",
        )
