"""Waiting for one slot to carry its load, with an end: a deadline, or a reason that waiting cannot cure."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import pulumi

from components.labels import slot_name
from infra.guard.readiness import judge
from infra.observed import ApiError, ReasonKind, UnreachableError, read_slot, read_warnings, scale_up

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from components.labels import Place
    from infra.guard.readiness import Verdict
    from infra.observed import ApiServer, Reason, SlotSeen

__all__ = ["INTERVAL", "PROGRESS", "NotCarryingError", "SlotWait", "tell"]

# How often the slot is looked at: two small requests, against pods that start in seconds.
INTERVAL = 1.0
# A line a change, and one now and then so that nobody takes a wait for a hang.
PROGRESS = 5.0
# How long a reason that rarely passes must last. A crash or a failed pull is only taken for one after the kubelet's
# second try (10 s apart and more); a quota may be full only until the pods of a former rollout have gone.
PATIENCE = 20.0
# Transient answers of an API server under load or in a restart.
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_SHOWN = 3

_T = TypeVar("_T")


class NotCarryingError(Exception):
    """A slot does not carry its load; the message says what is missing and why, `cure` what to do.

    `reasons` are all that are known, for whoever knows a better cure.
    """

    def __init__(self, missing: str, cure: str, reasons: Iterable[Reason] = ()) -> None:
        super().__init__(missing)
        self.cure = cure
        self.reasons = tuple(reasons)


def tell(line: str) -> None:
    """Show progress: ephemeral, so that it is seen while it matters and is no part of the summary."""
    pulumi.log.info(line, ephemeral=True)


class SlotWait:
    """One slot's way to `size` ready pods of its declared `image` (None: of whatever its template says).

    `size` may be raised while the wait has not begun. `deadline` is in seconds, from the moment of making this, for
    everything that is awaited through it; with `extends` anew whenever more pods of the newest template are ready than
    ever before, and over as soon as the Deployment itself says that it is. Nothing here blocks the event loop: other
    models' gates wait at the same time.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], ApiServer],
        namespace: str,
        model: str,
        place: Place,
        size: int,
        image: str | None,
        deadline: float,
        report: Callable[[str], None],
        extends: bool = False,
    ) -> None:
        self.name = slot_name(model, place)
        self._connect = connect
        self._namespace, self._model, self._place = namespace, model, place
        self.size, self._image = size, image
        self._deadline = deadline
        self._report = report
        self._started = time.monotonic()
        self._told, self._told_at = "", self._started
        self._extends, self._most, self._progressed = extends, -1, self._started

    @property
    def waited(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() - self._progressed >= self._deadline

    async def until_carrying(self, then: Callable[[], Awaitable[None]] | None = None) -> SlotSeen:
        """Give the slot as it was when it carried its load; raise NotCarryingError where it does not.

        `then` is awaited once when it first does, and the slot is looked at once more after it.
        """
        dim_since: float | None = None
        while True:
            seen = await self.ask(lambda api: read_slot(api, self._namespace, self._model, self._place))
            self._note(seen)
            verdict = judge(self.name, seen, size=self.size, image=self._image)
            if verdict.missing is None:
                if then is None:
                    return seen
                await then()
                then = None
                continue
            if seen.exists and verdict.cure is None and seen.desired < self.size:
                await self._wake(seen.desired)
            now = time.monotonic()
            dim_since = (now if dim_since is None else dim_since) if verdict.dim else None
            lasting = dim_since is not None and now - dim_since >= PATIENCE
            lasting = lasting or (self._extends and seen.stalled and seen.observed_generation >= seen.generation)
            if verdict.cure or lasting or self.over:
                raise await self._error(seen, verdict)
            self._progress(verdict.missing + _full(seen))
            await asyncio.sleep(INTERVAL)

    async def ask(self, what: Callable[[ApiServer], _T]) -> _T:
        """Ask the API server, again while it is away, until the deadline."""
        while True:
            try:
                return await asyncio.to_thread(lambda: what(self._connect()))
            except UnreachableError as error:
                trouble = str(error)
            except ApiError as error:
                trouble = str(error)
                if error.status not in _TRANSIENT:
                    raise NotCarryingError(f"{self.name} cannot be seen: {trouble}", _RIGHTS) from None
            if self.over:
                raise NotCarryingError(f"{self.name} cannot be seen: {trouble}", "run `pulumi up` again when it can")
            self._report(f"{self.name}: {trouble}; asking again")
            await asyncio.sleep(PROGRESS)

    def _note(self, seen: SlotSeen) -> None:
        if not seen.updated or seen.observed_generation < seen.generation:
            return  # the newest pods are still those of the former template
        ready = sum(1 for pod in seen.newest if pod.ready)
        if self._extends and ready > self._most:
            self._progressed = time.monotonic()
        self._most = max(self._most, ready)

    async def _wake(self, desired: int) -> None:
        # The autoscaler is off at zero; above it, it would get there in its own time, a quarter of a minute.
        self._report(f"{self.name}: {'growing' if desired else 'waking'}, {desired} → {self.size}")
        await self.ask(lambda api: scale_up(api, self._namespace, self.name, self.size))

    def _progress(self, missing: str) -> None:
        now = time.monotonic()
        if missing != self._told or now - self._told_at >= PROGRESS:
            self._report(f"{self.name}: {missing} ({self.waited:.0f} s of {self._deadline:.0f} s)")
            self._told, self._told_at = missing, now

    async def _error(self, seen: SlotSeen, verdict: Verdict) -> NotCarryingError:
        reasons = [reason.text for reason in seen.reasons] + _of_pods(seen)
        pods = [pod.name for pod in seen.pods]
        try:
            warned = await asyncio.to_thread(lambda: read_warnings(self._connect(), self._namespace, self.name, pods))
        except (ApiError, UnreachableError):
            warned = ()  # the refusal stands without them
        reasons += [reason.text for reason in warned if not any(reason.text in known for known in reasons)]
        why = "; ".join(list(dict.fromkeys(reasons))[:_SHOWN])
        missing = f"after {self.waited:.0f} s {verdict.missing}" + (f": {why}" if why else "")
        known = [*seen.reasons, *(reason for pod in seen.newest for reason in pod.reasons), *warned]
        return NotCarryingError(missing, verdict.cure or "mend the slot, or put another version into it", known)


def _full(seen: SlotSeen) -> str:
    """Name the room that is missing while it is waited for: somebody may know that nothing will ever make any."""
    known = [*seen.reasons, *(reason for pod in seen.newest for reason in pod.reasons)]
    full = (reason for reason in known if reason.kind in (ReasonKind.UNSCHEDULABLE, ReasonKind.QUOTA))
    return next((f": {reason.text}" for reason in full), "")


def _of_pods(seen: SlotSeen) -> list[str]:
    """Give the reasons of the newest pods, one that several share told once."""
    sharing: dict[str, list[str]] = {}
    for pod in seen.newest:
        for reason in pod.reasons:
            sharing.setdefault(reason.text, []).append(pod.name)
    return [
        f"{pods[0]}{f' and {len(pods) - 1} more' if len(pods) > 1 else ''}: {text}" for text, pods in sharing.items()
    ]


_RIGHTS = "the guard needs the rights that infra/observed/read.py lists"
