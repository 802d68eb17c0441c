"""The gate before the routing Service: traffic moves only onto a slot that carries the load."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pulumi

from components.labels import SERVED_PORT, SLOT
from infra.guard.plan import switch_refusals
from infra.guard.readiness import Verdict, judge
from infra.observed import (
    ApiError,
    ApiServer,
    UnreachableError,
    ask,
    read_selector,
    read_slot,
    read_warnings,
    scale_up,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.guard.declared import DeclaredModel, DeclaredSlot
    from infra.observed import ModelSeen, SlotSeen

__all__ = ["Gate", "SwitchRefusedError", "value"]

# How often the slot is looked at: two small requests, against pods that start in seconds.
_INTERVAL = 1.0
# A line a change, and one now and then so that nobody takes a wait for a hang.
_PROGRESS = 5.0
# How long a reason that rarely passes must last. A crash or a failed pull is only taken for one after the kubelet's
# second try (10 s apart and more); a quota may be full only until the pods of a former rollout have gone.
_PATIENCE = 20.0
# Transient answers of an API server under load or in a restart.
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_FORBIDDEN = 403
_SHOWN = 3


class SwitchRefusedError(pulumi.RunError):
    """A switch that is not carried out; the message names slot, reason and cure. Printed without a traceback."""


class Gate:
    """The hook on one model's routing Service, before it is created or updated, in previews as well.

    `size` is the floor that this run has declared for the target. `images` and `contents` are the slots' as the
    program declares them, Outputs where an image is built; set by `declare` once the slots are registered,
    which is before the engine calls any hook. `deadline` is in seconds, for the whole wait.
    """

    def __init__(
        self,
        *,
        model: DeclaredModel,
        seen: ModelSeen,
        size: int,
        connect: Callable[[], ApiServer],
        deadline: float,
        report: Callable[[str], None] | None = None,
        dry_run: Callable[[], bool] = pulumi.runtime.is_dry_run,
    ) -> None:
        self._model = model
        self._seen = seen
        self._size = size
        self._connect = connect
        self._deadline = deadline
        self._report = report or (pulumi.log.info)
        self._dry_run = dry_run
        self._images: Mapping[str, pulumi.Input[str] | None] = {}
        self._contents: Mapping[str, pulumi.Input[str] | None] = {}
        self._name = f"{model.name}-{model.active}"

    def declare(
        self,
        *,
        images: Mapping[str, pulumi.Input[str] | None],
        contents: Mapping[str, pulumi.Input[str] | None],
    ) -> None:
        """Take the slots' images and content hashes, which may be known only when the engine has run."""
        self._images, self._contents = images, contents

    async def __call__(self, args: pulumi.ResourceHookArgs) -> None:
        """Let the Service be created or updated, or raise SwitchRefusedError."""
        if not _moves(args):
            return
        model = await self._resolved()
        target = model.target
        if target is None:
            raise SwitchRefusedError(f"{model.name}: slot {model.active} has no version")
        if self._dry_run():
            await self._preview(model, target)
            return
        if await self._routed_there_already(args):
            return
        await self._wait(target)

    async def _preview(self, model: DeclaredModel, target: DeclaredSlot) -> None:
        """Refuse only what this plan leaves as it is and waiting cannot cure."""
        refused = switch_refusals(model, self._seen)
        live = self._seen.slots[model.active]
        unchanged = target.content is not None and live.content == target.content
        if not refused and unchanged and live.settled and live.ready and target.smoke is not None:
            try:
                wrong = await asyncio.to_thread(self._smoke, target)
            except (ApiError, UnreachableError):
                wrong = None  # the `up` may find it mended; only a model's own wrong answer is known to stay
            if wrong is not None:
                refused = [f"{self._name} already is version {target.version}, but {wrong}"]
        if refused:
            raise SwitchRefusedError(f"{model.name}: " + "; ".join(refused))

    async def _routed_there_already(self, args: pulumi.ResourceHookArgs) -> bool:
        """Whether a Service that Pulumi is about to create stands already and sends to the target (adoption)."""
        if args.old_inputs is not None:
            return False
        live = await self._patiently(lambda api: read_selector(api, self._model.namespace, self._model.name))
        return live is not None and live.get(SLOT) == self._model.active

    async def _wait(self, target: DeclaredSlot) -> None:
        """Wake the slot and wait until it carries the load and answers; refuse at the deadline, or earlier."""
        started = time.monotonic()
        asked, dim_since, told, told_at = False, None, "", started
        while True:
            seen = await self._patiently(self._read, started)
            verdict = judge(self._name, seen, size=self._size, image=target.image)
            if verdict.missing is None:
                if asked or target.smoke is None:
                    return
                await self._expect_answer(target, started)
                asked = True  # and look once more: the answer took its time
                continue
            if seen.exists and verdict.cure is None and seen.desired < self._size:
                # The autoscaler is off at zero; above it, it would get there in its own time, a quarter of a minute.
                self._report(f"{self._name}: {'growing' if seen.desired else 'waking'}, {seen.desired} → {self._size}")
                await self._patiently(self._wake, started)
            now = time.monotonic()
            dim_since = (now if dim_since is None else dim_since) if verdict.dim else None
            hopeless = dim_since is not None and now - dim_since >= _PATIENCE
            if verdict.cure or hopeless or now - started >= self._deadline:
                raise await self._refusal(target, seen, verdict, now - started)
            if verdict.missing != told or now - told_at >= _PROGRESS:
                self._report(f"{self._name}: {verdict.missing} ({now - started:.0f} s of {self._deadline:.0f} s)")
                told, told_at = verdict.missing, now
            await asyncio.sleep(_INTERVAL)

    async def _expect_answer(self, target: DeclaredSlot, started: float) -> None:
        """Send the smoke request. The model is asked once; a proxy that finds no pod yet is asked again."""
        assert target.smoke is not None  # noqa: S101 - the caller's branch
        first = time.monotonic()
        while True:
            try:
                wrong = await asyncio.to_thread(self._smoke, target)
            except ApiError as error:
                if error.status == _FORBIDDEN:
                    raise SwitchRefusedError(
                        self._sentence(target, f"the smoke request is not allowed: {error}")
                    ) from None
                wrong = f"its Service passes no request on: {error}"
                over = time.monotonic() - first >= max(target.smoke.within, _PROGRESS)
            except UnreachableError as error:
                wrong, over = str(error), time.monotonic() - started >= self._deadline
            else:
                over = True
            if wrong is None:
                self._report(f"{self._name}: answered {target.smoke.method} {target.smoke.path} as expected")
                return
            if over:
                cure = "look at its log, put a version that answers into the slot, or mend models.*.smoke"
                raise SwitchRefusedError(self._sentence(target, wrong, cure))
            await asyncio.sleep(_INTERVAL)

    def _smoke(self, target: DeclaredSlot) -> str | None:
        smoke = target.smoke
        if smoke is None:
            return None
        service = f"{self._name}:{SERVED_PORT}"
        what = f"its smoke request {smoke.method} {smoke.path}"
        try:
            answer = ask(
                self._connect(),
                self._model.namespace,
                service,
                smoke.path,
                method=smoke.method,
                body=smoke.body,
                seconds=smoke.within,
            )
        except TimeoutError:
            return f"{what} was not answered within {smoke.within:.0f} s"
        wrong = smoke.judge(answer.status, answer.body)
        return None if wrong is None else f"{what} was {wrong}"

    async def _refusal(
        self, target: DeclaredSlot, seen: SlotSeen, verdict: Verdict, waited: float
    ) -> SwitchRefusedError:
        reasons = [f"{pod.name}: {reason.text}" for pod in seen.newest for reason in pod.reasons]
        reasons = [reason.text for reason in seen.reasons] + reasons
        try:
            pods = [pod.name for pod in seen.pods]
            warned = await asyncio.to_thread(
                read_warnings, self._connect(), self._model.namespace, self._model.name, self._model.active, pods
            )
        except (ApiError, UnreachableError):
            warned = ()  # the refusal stands without them
        for reason in warned:
            if not any(reason.text in known for known in reasons):
                reasons.append(reason.text)
        why = "; ".join(dict.fromkeys(reasons[:_SHOWN]))
        missing = f"after {waited:.0f} s {verdict.missing}" + (f": {why}" if why else "")
        cure = verdict.cure or "mend the slot, or put another version into it"
        return SwitchRefusedError(self._sentence(target, missing, cure))

    def _sentence(self, target: DeclaredSlot, missing: str, cure: str = "") -> str:
        model = self._model.name
        stays = (
            f"Service {model} stays on {self._seen.routing}" if self._seen.routing else f"Service {model} is not made"
        )
        sentence = f"{model}: no switch to {self._model.active} (version {target.version}): {missing}. {stays}"
        return f"{sentence}: {cure}." if cure else f"{sentence}."

    def _read(self, api: ApiServer) -> SlotSeen:
        return read_slot(api, self._model.namespace, self._model.name, self._model.active)

    def _wake(self, api: ApiServer) -> None:
        scale_up(api, self._model.namespace, self._model.name, self._model.active, self._size)

    async def _patiently(self, what: Callable[[ApiServer], Any], started: float | None = None) -> Any:
        """Ask the API server off the event loop, again while it is away, until the deadline."""
        began = time.monotonic() if started is None else started
        while True:
            try:
                return await asyncio.to_thread(lambda: what(self._connect()))
            except UnreachableError as error:
                trouble = str(error)
            except ApiError as error:
                if error.status not in _TRANSIENT:
                    raise SwitchRefusedError(
                        f"{self._model.name}: the guard cannot see {self._name}: {error}"
                    ) from None
                trouble = str(error)
            if time.monotonic() - began >= self._deadline:
                raise SwitchRefusedError(f"{self._model.name}: the guard cannot see {self._name}: {trouble}")
            self._report(f"{self._name}: {trouble}; asking again")
            await asyncio.sleep(_PROGRESS)

    async def _resolved(self) -> DeclaredModel:
        images = {slot: await value(given) for slot, given in self._images.items()}
        contents = {slot: await value(given) for slot, given in self._contents.items()}
        return self._model.knowing(images=images, contents=contents)


def _moves(args: pulumi.ResourceHookArgs) -> bool:
    """Whether this operation changes where traffic goes: a Service that is made, or another selector."""
    if args.old_inputs is None:
        return True
    old, new = (((inputs or {}).get("spec") or {}).get("selector") for inputs in (args.old_inputs, args.new_inputs))
    return bool(old != new)


def _tell(line: str) -> None:
    # Ephemeral: seen while it matters, and no part of the summary that remains.
    pulumi.log.info(line, ephemeral=True)


async def value(given: Any) -> Any:
    """Wait for an Output, secret or not; None where it is unknown, as a built image is in a preview."""
    if isinstance(given, pulumi.Output):
        return await given.future()
    return None if pulumi.contains_unknowns(given) else given
