"""Why pods do not start: the sentence a person would piece together from `kubectl describe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.plugins.kubernetes.readiness.cluster import Cluster, Object, condition, count, dig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["explain_pods", "explain_workload", "refusal", "selector_words", "warnings_about"]

# Three different troubles fit beneath one status line, and a fourth has never told more than the first three.
SHOWN = 3

# The longest text worth having whole is Pod Security's list of every rule that a pod breaks: some 500 characters.
LONGEST = 600

# Reasons of a waiting container that name the trouble themselves (kubelet: images/types.go, container/runtime.go).
TELLING = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "PreCreateHookError",
        "PostStartHookError",
        "RunContainerError",
        "SignatureValidationFailed",
    }
)


def explain_workload(cluster: Cluster, owner: Object, selector: Mapping[str, object]) -> list[str]:
    """Return why the pods of a controller are not ready, most telling first; an empty list when nothing is known.

    `owner` is what makes the pods (a ReplicaSet, StatefulSet, DaemonSet or Job) and `selector` its label selector.
    Pods that were refused never come to be, so the owner's own events are looked at when there are none.
    """
    uid = dig(owner, "metadata", "uid")
    namespace = dig(owner, "metadata", "namespace")
    pods = [
        pod
        for pod in cluster.list("v1", "Pod", namespace, label_selector=selector_words(selector))
        if any(each.get("uid") == uid for each in dig(pod, "metadata", "ownerReferences", default=[]))
    ]
    reasons = explain_pods(cluster, pods)
    if reasons:
        return reasons
    refused = [text for text in warnings_about(cluster, owner) if "forbidden" in text or "denied" in text]
    return [refusal(refused[0])] if refused else []


def explain_pods(cluster: Cluster, pods: Sequence[Object]) -> list[str]:
    """Return one sentence a trouble, naming a pod that has it and how many more do."""
    troubled: dict[str, list[str]] = {}
    for pod in pods:
        # Each pod without a telling status costs a request for its events: those beyond what is shown are spared it.
        trouble = trouble_of(cluster, pod) if len(troubled) < SHOWN else status_trouble(pod)
        if trouble:
            troubled.setdefault(shorten(trouble), []).append(str(dig(pod, "metadata", "name", default="?")))
    sentences = []
    for trouble, names in list(troubled.items())[:SHOWN]:
        others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        sentences.append(f"{names[0]}{others}: {trouble}")
    return sentences


def trouble_of(cluster: Cluster, pod: Object) -> str:
    """Return what keeps a pod from being ready, or the empty text for one that is ready or on its way out."""
    if dig(pod, "metadata", "deletionTimestamp") or condition(pod, "Ready").get("status") == "True":
        return ""
    said = status_trouble(pod)
    if said:
        return said
    warnings = warnings_about(cluster, pod)
    running = [each for each in statuses(pod) if "running" in dig(each, "state", default={}) and not each.get("ready")]
    if running:
        name = running[0].get("name", "?")
        probes = [text.removeprefix("Unhealthy: ") for text in warnings if "probe failed" in text]
        return f"container {name} runs but is not ready: {probes[0] if probes else 'its probe has not passed yet'}"
    waiting_for = [reason for each in statuses(pod) if (reason := dig(each, "state", "waiting", "reason"))]
    if warnings:
        return warnings[0]
    if waiting_for:
        return str(waiting_for[0])
    gates = [each["conditionType"] for each in dig(pod, "spec", "readinessGates", default=[])]
    closed = [gate for gate in gates if condition(pod, gate).get("status") != "True"]
    return f"readiness gate {closed[0]} is not open" if closed else ""


def status_trouble(pod: Object) -> str:
    """Return the trouble that the pod's own status names, without asking for events."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', 'no node takes it')}"
    for status in statuses(pod):
        said = container_trouble(status)
        if said:
            return said
    if dig(pod, "status", "phase") == "Failed":
        words = [dig(pod, "status", "reason", default="Failed"), dig(pod, "status", "message", default="")]
        return ": ".join(str(word) for word in words if word)
    return ""


def container_trouble(status: Object) -> str:
    """Return what is wrong with one container, from its entry in the pod's status."""
    name = status.get("name", "?")
    reason = dig(status, "state", "waiting", "reason")
    if reason in TELLING:
        message = dig(status, "state", "waiting", "message", default="")
        return f"{reason}: {message}" if message else f"{reason} of container {name}"
    ended = dig(status, "state", "terminated") or dig(status, "lastState", "terminated")
    if status.get("ready") or not ended or count(ended, "exitCode") == 0:
        return f"CrashLoopBackOff: container {name} keeps ending" if reason == "CrashLoopBackOff" else ""
    times = count(status, "restartCount")
    # An exit code alone says little: 137 is a kill, and OOMKilled says by whom; the message is the container's own.
    how = f"exit code {count(ended, 'exitCode')} ({ended.get('reason', 'Error')})"
    again = f" after {times} restart{'s'[: times != 1]}" if times else ""
    last_words = last_line(str(ended.get("message") or ""))
    head = "CrashLoopBackOff: " if reason == "CrashLoopBackOff" else ""
    return f"{head}container {name} ended with {how}{again}{': ' + last_words if last_words else ''}"


def statuses(pod: Object) -> Iterator[Object]:
    """Yield the status of each container, init containers first, since the others wait for them."""
    yield from dig(pod, "status", "initContainerStatuses", default=[])
    yield from dig(pod, "status", "containerStatuses", default=[])


def warnings_about(cluster: Cluster, obj: Object) -> list[str]:
    """Return the messages of the object's warning events, newest first."""
    events = cluster.list(
        "v1",
        "Event",
        dig(obj, "metadata", "namespace"),
        field_selector=f"involvedObject.uid={dig(obj, 'metadata', 'uid')},type=Warning",
    )
    return [
        f"{event.get('reason', 'Warning')}: {event.get('message', '')}"
        for event in sorted(events, key=when, reverse=True)
    ]


def when(event: Object) -> str:
    """Return when an event was last seen: old and new recorders fill different fields, in one sortable notation."""
    seen = dig(event, "series", "lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(seen or dig(event, "metadata", "creationTimestamp", default=""))


def refusal(message: str) -> str:
    """Name the rule that kept pods from being made, before the API server's own words."""
    if "exceeded quota" in message:
        return f"quota exceeded: {shorten(message)}"
    if "violates PodSecurity" in message:
        return f"refused by Pod Security: {shorten(message)}"
    return f"no pod could be made: {shorten(message)}"


def selector_words(selector: Mapping[str, object]) -> str:
    """Return a LabelSelector in the notation of a query: `app=iris,tier in (web,api)`."""
    words = [f"{key}={value}" for key, value in sorted(dig(dict(selector), "matchLabels", default={}).items())]
    for each in dig(dict(selector), "matchExpressions", default=[]):
        values = ",".join(each.get("values") or [])
        words.append(
            {
                "In": f"{each['key']} in ({values})",
                "NotIn": f"{each['key']} notin ({values})",
                "Exists": str(each["key"]),
                "DoesNotExist": f"!{each['key']}",
            }[each["operator"]]
        )
    return ",".join(words)


def last_line(text: str) -> str:
    """Return the last line that says anything: of a traceback it is the error itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def shorten(text: str) -> str:
    """Return the text on one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
