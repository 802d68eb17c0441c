"""Waiting itself: look, judge, tell, sleep."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, dig, name_of
from sandbox.plugins.kubernetes.readiness.errors import NotReadyError, WaitCancelledError, WaitTimedOutError
from sandbox.plugins.kubernetes.readiness.timeouts import rule_of
from sandbox.plugins.kubernetes.readiness.verdict import Rule, State, Verdict, failed, waiting

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

__all__ = ["await_deleted", "await_ready"]

# A Namespace or a Deployment on warm nodes is there within tenths of a second, a first image pull takes minutes:
# the first looks come close together, later ones cost the API server one request a second an object.
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.1, 1.0, 1.5

# Reasons cost several requests: none for what is ready within this time, and then once each time it has passed.
EXPLAIN_EVERY = 2.0

# After going back to a former template its ReplicaSet is taken up again, and the condition that the deadline was
# exceeded stays until the first pod of it moves. Pods move within a second or two; a controller that has really given
# up says the same for good. (kubernetes: getNewReplicaSet in pkg/controller/deployment/sync.go)
SETTLING = 5.0


@dataclass
class Watch:
    """One wait: its deadline, its pauses and the last line told. Times are in seconds."""

    timeout: float
    status: Callable[[str], None]
    cancelled: threading.Event
    started: float = field(default_factory=time.monotonic)
    told: str = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self.started

    def tell(self, line: str) -> None:
        """Show a status line, once."""
        if line != self.told:
            self.told = line
            self.status(line)

    def looks(self) -> Iterator[int]:
        """Yield 0, 1, 2 and so on, pausing longer and longer in between, until time is over or the wait cancelled."""
        pause = FIRST_PAUSE
        for number in itertools.count():
            yield number
            left = self.timeout - self.elapsed
            # Event.wait returns the moment it is set: a cancel never waits for the pause to end.
            if left <= 0 or self.cancelled.wait(min(pause, left)):
                return
            pause = min(pause * GROWTH, LONGEST_PAUSE)

    def interrupted(self, what: str, reasons: list[str], obj: Object) -> NotReadyError:
        """Return the error that says why the looks ended."""
        if self.cancelled.is_set():
            return WaitCancelledError([f"{what} before the wait for it was cancelled", *reasons], obj)
        return WaitTimedOutError([f"{what} within {self.timeout:g} s", *reasons], obj)


def await_ready(
    cluster: Cluster,
    obj: Object,
    *,
    timeout: float,
    status: Callable[[str], None],
    cancelled: threading.Event,
) -> Object:
    """Wait until the object that was just applied is ready, and return it as it is then.

    `obj` is what the API server answered, `timeout` is in seconds. A kind without a rule is returned as it is, at no
    request. An API server that does not answer for a while is waited for like anything else.
    Raises WaitTimedOutError or WaitCancelledError, or NotReadyError when no waiting can help, each with the reasons.
    """
    rule = rule_of(obj)
    if rule is None:
        return obj
    watch = Watch(timeout, status, cancelled)
    live, verdict = obj, waiting(f"Waiting for {name_of(obj)}")
    reasons: list[str] = []
    explained, stuck_since = 0.0, math.inf
    for number in watch.looks():
        try:
            # The first look is at the answer in hand: what is ready at once costs no request.
            live = refreshed(cluster, live) if number else live
            verdict = judge(cluster, rule, live)
            stuck_since = min(stuck_since, watch.elapsed) if verdict.state is State.STUCK else math.inf
            if verdict.state is State.READY:
                watch.tell(verdict.says)
                return live
            if verdict.state is State.FAILED or watch.elapsed - stuck_since >= SETTLING:
                raise NotReadyError([verdict.says, *rule.explain(cluster, live)], live)
            if watch.elapsed - explained >= EXPLAIN_EVERY:
                explained, reasons = watch.elapsed, rule.explain(cluster, live)
            watch.tell("; ".join([verdict.says, *reasons]))
        except OSError as error:
            watch.tell(f"Waiting for the API server to answer: {error}")
    if not cancelled.is_set():
        # The last word: a wait shorter than EXPLAIN_EVERY has not asked for reasons yet.
        with contextlib.suppress(OSError):
            reasons = rule.explain(cluster, live)
    raise watch.interrupted(f"{name_of(live)} did not become ready", [unnumbered(verdict.says), *reasons], live)


def await_deleted(
    cluster: Cluster,
    obj: Object,
    *,
    timeout: float,
    status: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Wait until the object is gone, telling what holds it; `timeout` is in seconds.

    Another object that has meanwhile taken the name, with another uid, counts as gone.
    Raises WaitTimedOutError or WaitCancelledError with the finalizers that are left.
    """
    watch = Watch(timeout, status, cancelled)
    live = obj
    for _ in watch.looks():
        try:
            found = fetch(cluster, live)
            if found is None or replaced(obj, found):
                return
            live = found
            watch.tell("; ".join([f"[1/1] Waiting for {name_of(live)} to be deleted", *holders(live)]))
        except OSError as error:
            watch.tell(f"Waiting for the API server to answer: {error}")
    raise watch.interrupted(f"{name_of(live)} was not deleted", holders(live), live)


def judge(cluster: Cluster, rule: Rule, live: Object) -> Verdict:
    """Ask the kind's rule, after the one question that is the same for all kinds."""
    if dig(live, "metadata", "deletionTimestamp"):
        return failed("; ".join([f"{name_of(live)} is being deleted", *holders(live)]))
    return rule.judge(cluster, live)


def refreshed(cluster: Cluster, last: Object) -> Object:
    """Return the object as it is now; raises NotReadyError when it is gone or is another one by now."""
    found = fetch(cluster, last)
    if found is None:
        raise NotReadyError([f"{name_of(last)} was deleted by someone else while it was waited for"], last)
    if replaced(last, found):
        raise NotReadyError([f"{name_of(last)} was replaced by someone else while it was waited for"], last)
    return found


def fetch(cluster: Cluster, obj: Object) -> Object | None:
    """Return the object from the API server, or None when it is gone."""
    namespace = dig(obj, "metadata", "namespace")
    return cluster.get(obj["apiVersion"], obj["kind"], dig(obj, "metadata", "name"), namespace)


def replaced(former: Object, found: Object) -> bool:
    """Tell whether another object has taken the name."""
    uid = dig(former, "metadata", "uid")
    return uid is not None and dig(found, "metadata", "uid") != uid


def holders(live: Object) -> list[str]:
    """Say what keeps an object from going away: its finalizers, and for a Namespace what is left in it."""
    finalizers = dig(live, "metadata", "finalizers", default=[])
    sentences = [f"finalizer {', '.join(finalizers)} holds it"] if finalizers else []
    if live.get("kind") == "Namespace":
        # Written by the namespace controller, and the only place that names the objects which hold the namespace.
        left = [condition(live, kind) for kind in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")]
        sentences += [str(each.get("message")) for each in left if each.get("status") == "True"]
    return sentences


def unnumbered(line: str) -> str:
    """Return a status line without its step, as a reason after the wait is over."""
    return line.partition("] ")[2] if line.startswith("[") else line
