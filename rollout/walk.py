"""The rollout itself: set a share, wait, judge, and go on or go back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.settings import show_duration
from rollout.ended import Ended
from rollout.engine import Engine, EngineError
from rollout.figures import Figures, figures
from rollout.judgement import Judge
from rollout.pending import refuse_pending
from rollout.show import Show, line_of
from rollout.steps import ALL, steps_of
from rollout.target import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.labels import SlotName
    from rollout.metrics import MetricSource
    from rollout.stopping import Stopping
    from rollout.target import Target

__all__ = ["Walk"]


class _StoppedError(Exception):
    """The user asked to stop; the message says how configuration and cluster stand to each other."""


class _LockedError(Exception):
    """Another update of the stack is running; the configuration is as it was before this step."""


@dataclass(kw_only=True)
class Walk:
    """One rollout of one model. `clock` and `stopping.wait` are the only time it knows."""

    target: Target
    engine: Engine
    source: MetricSource
    show: Show
    stopping: Stopping
    clock: Callable[[], float] = time.monotonic
    _share: int = field(init=False)
    """What the configuration says, and the cluster too unless an `up` is under way."""
    _active: Figures | None = field(init=False, default=None)
    """What the active slot did when it last had requests."""

    def __post_init__(self) -> None:
        self._share = self.target.percent

    def run(self) -> Ended:
        """Walk to the end. Raises RefusedError before anything is touched."""
        with self.show.moving("pulumi preview: does anything else wait to be deployed?"):
            refuse_pending(self.engine, self.target)
        steps = steps_of(self.target)
        self._announce(steps)
        try:
            for step in steps:
                reasons = self._step(step)
                if reasons:
                    return self._back(reasons)
            return self._promote()
        except _StoppedError as stopped:
            return self._stopped(str(stopped))
        except _LockedError:
            return self._locked()
        except Exception:
            # Whatever went wrong here, nobody watches the canary any more.
            self._back(["this program failed; its own words follow"])
            raise

    def back(self) -> Ended:
        """Take all requests off the canary. Raises RefusedError where the configuration has none."""
        if not self.target.percent:
            raise RefusedError(
                f"no canary is under way: canary.percent is 0; pulumi up -s {self.target.stack} makes the cluster agree"
            )
        ended = self._back([])
        return Ended.DONE if ended is Ended.WENT_BACK else ended

    def _announce(self, steps: list[int]) -> None:
        target, analysis = self.target, self.target.analysis
        shares = ", ".join(f"{step} %" for step in steps)
        self.show.say(
            f"{target.model} in {target.stack}: {target.named(target.active)} serves, {target.named(target.canary)} is"
            f" the canary: {shares}, each for {show_duration(analysis.window)}"
        )
        if target.percent:
            self.show.say(f"a rollout is under way at {target.percent} %; it goes on from there")
        if target.defaulted:
            self.show.say("the model has no `analysis`: judged by the defaults (docs/rollout.md)")
        if target.coarse:
            self.show.say("without a gateway that shares by weight, a share is one of pods: as fine as there are pods")

    def _step(self, share: int) -> list[str]:
        """Bring the canary to this share, watch it for a window, and return why it may not go on."""
        self._stop_if_asked()
        # A rollout that is picked up may have ended before its `up`: one that changes nothing tells.
        if share != self._share or self.target.percent:
            began = self.clock()
            try:
                self._set({"canary.percent": str(share)}, share, f"canary at {share} %")
            except EngineError as error:
                return [f"pulumi up refused it: {error}"]
            took = f"pulumi up, {self.clock() - began:.0f} s"
            self.show.say(f"{share:3d} %  of all requests go to {self.target.canary} ({took})")
            self._stop_if_asked()
        return self._watch(share)

    def _watch(self, share: int) -> list[str]:
        target, analysis = self.target, self.target.analysis
        judge = Judge(analysis=analysis, canary=target.canary, active=target.active)
        began = self.clock()
        with self.show.moving(f"{share} %, watched for {show_duration(analysis.window)}"):
            self.source.begin()
            while True:
                left = analysis.window - (self.clock() - began)
                if self.stopping.wait(min(analysis.interval, left)):
                    raise _StoppedError
                seen, passed = self._look(), self.clock() - began
                canary, active = seen[target.canary], seen[target.active]
                line = "; ".join(line_of(slot, seen[slot]) for slot in (target.canary, target.active))
                self.show.now(f"{share} %, {passed:.0f} of {analysis.window} s: {line}")
                if share and (reasons := judge.already(canary)):
                    self.show.say(f"{share:3d} %  bad after {passed:.0f} s: {line}", "red")
                    return reasons
                if passed >= analysis.window:
                    break
        # At 100 % the active slot answers nobody: the canary is then held against what it did before.
        if share < ALL:
            self._active = active
        compared = self._active if analysis.compares else None
        reasons = judge.at_the_end(canary, compared) if share else judge.missing(target.active, active)
        self.show.say(f"{share:3d} %  {'bad' if reasons else 'good'}: {line}", "red" if reasons else "")
        return reasons

    def _look(self) -> dict[SlotName, Figures]:
        seen = self.source.look()
        return {slot: figures(one, self.target.analysis, self.target.quiet) for slot, one in seen.items()}

    def _set(self, values: Mapping[str, str], share: int, message: str) -> None:
        """Change the model's configuration, then the cluster. A stop meanwhile is acted upon after both.

        Raises EngineError where the `up` failed, and _StoppedError where it did because the user cancelled it.
        """
        before = {"canary.percent": str(self._share), **({"active": self.target.active} if "active" in values else {})}
        was, self._share = self._share, share
        self._configure(values)
        try:
            with self.show.moving(f"pulumi up: {message}"):
                self.engine.up(f"rollout of {self.target.model}: {message}")
        except EngineError as error:
            if error.locked:
                self._share = was
                self._configure(before)
                raise _LockedError from error
            if self.stopping.pressed > 1:
                raise _StoppedError(f"`pulumi up` was cancelled; run: pulumi up -s {self.target.stack}") from error
            raise

    def _configure(self, values: Mapping[str, str]) -> None:
        self.engine.configure({self.target.key(key): value for key, value in values.items()})

    def _promote(self) -> Ended:
        target, began = self.target, self.clock()
        self._stop_if_asked()
        try:
            # One write and one `up`: the routing Service moves, and after it the route lets go of the shares.
            self._set({"active": target.canary, "canary.percent": "0"}, 0, f"{target.canary} serves")
        except EngineError as error:
            # The guard refused, or the update broke: the former version is the one that is known to serve.
            self._configure({"active": target.active})
            return self._back([f"pulumi up refused the switch: {error}"])
        took = f"pulumi up, {self.clock() - began:.0f} s"
        self.show.say(f"{target.canary} serves, version {target.versions[target.canary]} ({took})", "green")
        self.show.say(
            f"{target.active} keeps its size for {show_duration(target.soak)}; to go back: pulumi config set --path"
            f" {target.key('active')} {target.active} -s {target.stack} && pulumi up -s {target.stack}"
        )
        return Ended.DONE

    def _back(self, reasons: list[str]) -> Ended:
        """Take the canary off all requests, stop or no stop, and say why."""
        target, began, share = self.target, self.clock(), self._share
        for reason in reasons:
            self.show.say(f"       {reason}", "red")
        try:
            self._set({"canary.percent": "0"}, 0, f"back to {target.active}")
        except (EngineError, _LockedError, _StoppedError) as error:
            self.show.say(f"going back failed: {error.__cause__ or error}", "red")
            self._configure({"canary.percent": "0"})
            self.show.say(f"the configuration says 0 %; when the reason is mended, run: pulumi up -s {target.stack}")
            return Ended.STUCK
        took = f"pulumi up, {self.clock() - began:.0f} s"
        self.show.say(f"  0 %  all requests go to {target.named(target.active)} again ({took})")
        if reasons:
            self.show.say(f"the rollout of {target.model} ended at {share} %: {reasons[0].splitlines()[0]}", "red")
        return Ended.WENT_BACK

    def _stop_if_asked(self) -> None:
        if self.stopping.asked:
            raise _StoppedError

    def _stopped(self, how: str) -> Ended:
        target, again = self.target, f"python -m rollout {self.target.model} -s {self.target.stack}"
        if how:
            self.show.say(f"stopped: {how}")
        elif not self._share:
            self.show.say(f"stopped: all requests go to {target.active}")
        else:
            self.show.say(
                f"stopped: {self._share} % of all requests go to {target.canary} and stay there, unwatched;"
                " configuration and cluster agree"
            )
        if self._share:
            self.show.say(f"to go on: {again}")
            self.show.say(f"to go back: {again} --back")
        return Ended.STOPPED

    def _locked(self) -> Ended:
        self.show.say(
            f"another update of {self.target.stack} is running, so this one did nothing; the configuration says"
            f" {self._share} % as before. Run this again when it has ended (docs/interruptions.md)",
            "red",
        )
        return Ended.STUCK
