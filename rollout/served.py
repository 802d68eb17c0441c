"""What served when: a model's history out of a stack's updates and the configuration that each ran with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Serving", "digests_of", "history_of"]

_MODELS = "ml-platform:models"
_SLOTS = ("blue", "green")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What a model's users got since an update, until the next one that changed it.

    `version` and `slot` are None after the model was taken away; `slot` also for a model without slots. `percent` is
    the canary's share and `canary` its version. `digest` is None for a version that was built and whose digest nobody
    remembers. `by` is the author of the commit from which the update ran, `dirty` says that files differed from it.
    `result` is the update's own: after one that failed, it is not certain that users got this.
    """

    since: str
    until: str | None
    version: str | None
    slot: str | None
    digest: str | None
    percent: int
    canary: str | None
    by: str | None
    commit: str | None
    dirty: bool
    message: str
    result: str


def history_of(model: str, updates: Iterable[Mapping[str, Any]], digests: Mapping[str, str]) -> list[Serving]:
    """Return what served, newest first. `updates` are the engine's, in any order; `digests` are those of builds."""
    found: list[Serving] = []
    before: tuple[Any, ...] | None = None
    for update in sorted(updates, key=lambda one: str(one.get("startTime"))):
        if update.get("kind") not in ("update", "destroy") or update.get("result") == "in-progress":
            continue
        declared = None if update["kind"] == "destroy" else _declared(update, model)
        if declared is None and before is None:
            continue
        serving = _serving(update, declared, digests)
        now = (serving.version, serving.slot, serving.digest, serving.percent, serving.canary)
        # A failed update may or may not have moved users; the next good one is said again, so that it is known.
        if now == before and (update.get("result") != "succeeded" or found[-1].result == "succeeded"):
            continue
        if found:
            found[-1] = replace(found[-1], until=serving.since)
        found.append(serving)
        before = now
    return found[::-1]


def digests_of(models: Any, model: str) -> dict[str, str]:
    """Return the digest of every version that the ledger, the stack's output `models`, still knows."""
    held = (models or {}).get(model) or {}
    known = {**_images(held.get("served")), **_images_of_slots(held.get("slots"))}
    return {version: image.partition("@")[2] for version, image in known.items() if "@" in image}


def _images(served: Any) -> dict[str, str]:
    if not isinstance(served, Mapping):
        return {}
    return {str(version): str(one.get("image") or "") for version, one in served.items() if isinstance(one, Mapping)}


def _images_of_slots(slots: Any) -> dict[str, str]:
    if not isinstance(slots, Mapping):
        return {}
    held = [one for one in slots.values() if isinstance(one, Mapping)]
    return {str(one.get("version")): str(one.get("image") or "") for one in held}


def _declared(update: Mapping[str, Any], model: str) -> Mapping[str, Any] | None:
    """Return the model as this update's configuration had it; None where it had none, or where it is encrypted."""
    held = (update.get("config") or {}).get(_MODELS) or {}
    try:
        models = held.get("objectValue") or json.loads(held.get("value") or "{}")
    except ValueError:
        return None
    declared = models.get(model) if isinstance(models, Mapping) else None
    return declared if isinstance(declared, Mapping) else None


def _serving(update: Mapping[str, Any], declared: Mapping[str, Any] | None, digests: Mapping[str, str]) -> Serving:
    """Read raw values: an older configuration need not be right by today's rules."""
    held = declared or {}
    slots = {slot: str(version) for slot, version in (held.get("slots") or {}).items() if version is not None}
    slot = held.get("active") or next((one for one in _SLOTS if one in slots), None)
    version = slots.get(slot) if slot is not None else None
    if version is None and held.get("version") is not None:
        slot, version = None, str(held["version"])
    percent = int((held.get("canary") or {}).get("percent") or 0)
    other = next((one for one in slots if one != slot), None)
    environment = update.get("environment") or {}
    return Serving(
        since=str(update.get("startTime") if update.get("result") != "succeeded" else update.get("endTime")),
        until=None,
        version=version,
        slot=slot,
        digest=None if version is None else _digest(held, version) or digests.get(version),
        percent=percent,
        canary=slots.get(other) if percent and other else None,
        by=environment.get("git.author") or environment.get("git.committer"),
        commit=environment.get("git.head"),
        dirty=environment.get("git.dirty") == "true",
        message=str(update.get("message") or ""),
        result=str(update.get("result") or ""),
    )


def _digest(declared: Mapping[str, Any], version: str) -> str | None:
    image = ((declared.get("versions") or {}).get(version) or {}).get("image")
    return image.partition("@")[2] if isinstance(image, str) and "@" in image else None
