"""Why a pod is not ready, in the cluster's own words: from its status, its Deployment and its events.

The waiting reasons are the kubelet's (pkg/kubelet/images and pkg/kubelet/kuberuntime of Kubernetes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.observed.state import Reason, ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["of_deployment", "of_events", "of_pod"]

_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
_CRASH = {"CrashLoopBackOff", "RunContainerError", "StartError", "CreateContainerConfigError", "CreateContainerError"}
_EVENTS = {
    "FailedScheduling": ReasonKind.UNSCHEDULABLE,
    "Unhealthy": ReasonKind.PROBE,
    "BackOff": ReasonKind.CRASH,
    "Failed": ReasonKind.CRASH,
    "FailedCreate": ReasonKind.QUOTA,
}
# Long enough for an image's name and a registry's answer; a quota's message names every resource.
_LONGEST = 300


def of_pod(pod: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Say why a pod is not ready; nothing for one that is."""
    status = pod.get("status") or {}
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    if (conditions.get("Ready") or {}).get("status") == "True":
        return ()
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return (_reason(ReasonKind.UNSCHEDULABLE, scheduled.get("message") or scheduled.get("reason") or "no node"),)
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    found = tuple(reason for container in containers if (reason := _of_container(container)) is not None)
    if found:
        return found
    if status.get("phase") == "Failed":
        text = f"{status.get('reason') or 'failed'}: {status.get('message') or 'no message'}"
        return (_reason(ReasonKind.CRASH, text),)
    return (_reason(ReasonKind.STARTING, f"phase {status.get('phase') or 'unknown'}"),)


def of_deployment(deployment: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Say why a Deployment makes no pods: its ReplicaFailure condition, mostly an exceeded quota."""
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return tuple(
        _reason(ReasonKind.QUOTA, c.get("message") or c.get("reason") or "pods cannot be created")
        for c in conditions
        if c.get("type") == "ReplicaFailure" and c.get("status") == "True"
    )


def of_events(events: Iterable[Mapping[str, Any]], names: Iterable[str]) -> tuple[Reason, ...]:
    """Pick the warnings about the named objects, newest first, each text once."""
    wanted = set(names)
    relevant = [
        event
        for event in events
        if event.get("type") == "Warning"
        and (event.get("involvedObject") or {}).get("name") in wanted
        and event.get("reason") in _EVENTS
    ]
    relevant.sort(key=_when, reverse=True)
    picked: dict[str, Reason] = {}
    for event in relevant:
        kind = _EVENTS[event["reason"]]
        message = str(event.get("message") or event["reason"])
        if kind is ReasonKind.CRASH and "image" in message.lower():
            kind = ReasonKind.IMAGE
        count = int((event.get("series") or {}).get("count") or event.get("count") or 1)
        picked.setdefault(message, _reason(kind, message, count))
    return tuple(picked.values())


def _of_container(container: Mapping[str, Any]) -> Reason | None:
    state = container.get("state") or {}
    restarts = int(container.get("restartCount") or 0)
    waiting = state.get("waiting") or {}
    why = waiting.get("reason")
    if why in _IMAGE:
        # The kubelet counts no pulls; a back-off is at least the second failure.
        return _reason(
            ReasonKind.IMAGE, f"{why}: {waiting.get('message') or container.get('image')}", 1 + (why[0] == "I")
        )
    ended = (container.get("lastState") or {}).get("terminated") or state.get("terminated") or {}
    if why in _CRASH or (ended and ended.get("exitCode") != 0):
        detail = f"exit code {ended.get('exitCode')}, {ended.get('reason')}" if ended else waiting.get("message") or ""
        said = f", says {ended['message'].strip()!r}" if ended.get("message") else ""
        text = f"container {container.get('name')} {why or 'ended'} ({detail}{said}), {restarts} restarts"
        return _reason(ReasonKind.CRASH, text, restarts)
    if "running" in state and not container.get("ready"):
        return _reason(ReasonKind.PROBE, f"container {container.get('name')} runs, its readiness probe does not pass")
    return None


def _when(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _reason(kind: ReasonKind, text: str, count: int = 0) -> Reason:
    line = re.sub(r"\s+", " ", text).strip()
    return Reason(kind=kind, text=line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…", count=count)
