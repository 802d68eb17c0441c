"""How long a slot takes to come up, judged by the last time it did. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.observed.state import PodSeen, SlotSeen

__all__ = ["estimate", "last_start", "remembered"]

_STARTED = re.compile(r"(\d{1,7}) s as (\S+)")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def last_start(seen: SlotSeen) -> int | None:
    """Give the seconds that the slot's pods took from creation to readiness; None when nothing tells.

    The quickest of those that run, since a pod's readiness may have come and gone since it started; of a slot that
    sleeps, what was written down when it was put to sleep, if it still holds what it held then.
    """
    running = [taken for pod in seen.newest if (taken := _taken(pod)) is not None]
    if running:
        return min(running)
    found = _STARTED.fullmatch(seen.started or "")
    return int(found[1]) if found and found[2] == seen.content else None


def remembered(seen: SlotSeen) -> str:
    """Write down how long the slot's last start took, and as what."""
    taken = last_start(seen)
    return "unknown" if taken is None or seen.content is None else f"{taken} s as {seen.content}"


def estimate(seen: SlotSeen) -> str:
    """Say how long going to a slot that has to start will take."""
    taken = last_start(seen)
    if taken is None:
        return "cold (no start of it is known)"
    return f"cold (about {taken} s: its last start took {taken} s)"


def _taken(pod: PodSeen) -> int | None:
    created, ready = _moment(pod.created), _moment(pod.ready_since)
    return None if created is None or ready is None else max(round((ready - created).total_seconds()), 1)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
