"""Metrics from the pods themselves, through the API server: nothing needs to run in the cluster for it.

What this needs of RBAC, in the team's namespace: list pods, and get pods/proxy.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.labels import NAME, SLOT, SLOTS, SlotName
from infra.observed import ApiError, ApiServer, UnreachableError
from rollout.metrics.exposition import Sample, parse
from rollout.metrics.source import Seen
from rollout.metrics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["PodMetrics"]

_CONTAINER = "model"
# A model that predicts tells its metrics in milliseconds; one that is drowned in requests may take a second or two.
_SECONDS = 5.0
_OK = 200
# A pod may end between the list and the question, and a connection may break: such troubles are gone a moment later.
_TRIES = 3
_PAUSE = 1.0
# Connections that the API server's client keeps; asking more pods at once would only queue.
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class _Pod:
    name: str
    process: str
    serving: bool


@dataclass(kw_only=True)
class PodMetrics:
    """Asks every running pod of both slots; counters are differences between looks.

    `ports` is where each slot's pods listen; a slot without one is empty. `names` are the series wanted.
    """

    api: ApiServer
    namespace: str
    model: str
    ports: Mapping[SlotName, int]
    path: str
    names: Collection[str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _tallies: dict[SlotName, Tally] = field(default_factory=dict)
    _began: float = 0.0

    def begin(self) -> None:
        """Take the first reading, from which the window's differences count."""
        self._began = self.clock()
        self._tallies = {}
        for slot in SLOTS:
            try:
                pods = self._pods(slot)
            except (ApiError, UnreachableError):
                continue  # the next look begins this slot's window; if it cannot be read then either, it says why
            self._tallies[slot] = Tally(known={pod.process for pod in pods})
            self._read(slot, pods, average=False)

    def look(self) -> dict[SlotName, Seen]:
        """Read all pods; those that fail are asked again before that is called a trouble."""
        return {slot: self._look(slot) for slot in SLOTS}

    def _look(self, slot: SlotName) -> Seen:
        trouble = ""
        pods: list[_Pod] = []
        troubles: dict[str, str] = {}
        for tries_left in reversed(range(_TRIES)):
            try:
                pods, trouble = self._pods(slot), ""
            except (ApiError, UnreachableError) as error:
                trouble = str(error)
            else:
                if slot not in self._tallies:
                    self._tallies[slot] = Tally(known={pod.process for pod in pods})
                troubles = self._read(slot, pods, average=True)
            if not trouble and not troubles:
                break
            if tries_left:
                self.sleep(_PAUSE)
        tally = self._tallies.get(slot, Tally(known=()))
        serving = [pod for pod in pods if pod.serving]
        return Seen(
            seconds=self.clock() - self._began,
            pods=None if trouble else len(serving),
            increases=tally.increases,
            means=tally.means,
            troubles=(trouble,) if trouble else tuple(troubles.values()),
        )

    def _read(self, slot: SlotName, pods: list[_Pod], *, average: bool) -> dict[str, str]:
        """Read these pods side by side into the slot's tally; return what went wrong with those that serve."""
        port = self.ports.get(slot)
        if port is None or not pods:
            return {}
        tally, troubles = self._tallies[slot], {}
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
            answers = list(threads.map(lambda pod: self._ask(pod, port), pods))
        for pod, answer in zip(pods, answers, strict=True):
            if isinstance(answer, str):
                # A pod that starts or ends need not answer; one that users are sent to must.
                if pod.serving:
                    troubles[pod.name] = f"pod {pod.name}: {answer}"
                continue
            tally.read(pod.process, answer)
            if pod.serving and average:
                tally.average(answer)
        return troubles

    def _ask(self, pod: _Pod, port: int) -> tuple[Sample, ...] | str:
        where = f"/api/v1/namespaces/{self.namespace}/pods/{pod.name}:{port}/proxy{self.path}"
        try:
            answer = self.api.call("GET", where, seconds=_SECONDS)
        except UnreachableError as error:
            return str(error)
        if answer.status != _OK:
            return f"{self.path} answered {answer.status}: {answer.body[:120].decode(errors='replace').strip()}"
        try:
            return parse(answer.body.decode(), self.names)
        except ValueError as error:
            return f"{self.path} is {error}"

    def _pods(self, slot: SlotName) -> list[_Pod]:
        found = self.api.list(
            f"/api/v1/namespaces/{self.namespace}/pods", labelSelector=f"{NAME}={self.model},{SLOT}={slot}"
        )
        return [_pod(pod) for pod in found if (pod.get("status") or {}).get("phase") == "Running"]


def _pod(pod: Mapping[str, Any]) -> _Pod:
    status = pod["status"]
    conditions = {held.get("type"): held.get("status") for held in status.get("conditions") or ()}
    containers = {held.get("name"): held for held in status.get("containerStatuses") or ()}
    restarts = (containers.get(_CONTAINER) or {}).get("restartCount", 0)
    return _Pod(
        name=pod["metadata"]["name"],
        process=f"{pod['metadata']['uid']}/{restarts}",
        serving=conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"],
    )
