"""Read the models of a stack from the API server: once a run, and again while a gate waits.

What this needs of RBAC, in each team's namespace: get and list deployments, horizontalpodautoscalers,
services, pods, events and resourcequotas; for the gate also patch deployments/scale, and get and create
services/proxy; where a slot sleeps also patch deployments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.labels import CONTENT, HOLD, NAME, SERVED, SLOT, SLOTS, STARTED, VERSION
from infra.observed import reasons
from infra.observed.api import CONNECTIONS, Answer, ApiError, ApiServer, UnreachableError
from infra.observed.state import ModelSeen, Observed, PodSeen, QuotaSeen, Reason, SlotSeen

__all__ = ["ask", "observe", "put_to_sleep", "read_selector", "read_slot", "read_warnings", "scale_up"]

# The container that serves; what is injected beside it (a mesh's proxy) says nothing about the version.
_CONTAINER = "model"
_KINDS = {
    "services": "/api/v1",
    "deployments": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "resourcequotas": "/api/v1",
    "pods": "/api/v1",
}

# Under which the API server files what the guard writes by itself.
_MANAGER = "ml-platform-guard"

_Collections = Mapping[str, list[dict[str, Any]]]


def observe(api: ApiServer, models: Mapping[str, str]) -> Observed:
    """Read every model's state, given model names and their namespaces.

    Five lists a namespace, side by side. A cluster that cannot be asked, or does not let us read, is no
    error here: `unreachable` says why, since a preview is worth having without it.
    """
    if not models:
        return Observed()
    namespaces = sorted(set(models.values()))
    wanted = [(namespace, kind) for namespace in namespaces for kind in _KINDS]
    try:
        # The first alone: an unreachable cluster then costs one wait, not one for each list.
        first = _list(api, *wanted[0])
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as threads:
            rest = list(threads.map(lambda what: _list(api, *what), wanted[1:]))
    except UnreachableError as error:
        return Observed(unreachable=str(error))
    except ApiError as error:
        return Observed(unreachable=f"{api.address} refuses: {error}")
    read: dict[str, dict[str, list[dict[str, Any]]]] = {namespace: {} for namespace in namespaces}
    for (namespace, kind), items in zip(wanted, [first, *rest], strict=True):
        read[namespace][kind] = items
    return Observed(
        models={name: _model(name, read[namespace]) for name, namespace in models.items()},
        quotas={namespace: tuple(map(_quota, read[namespace]["resourcequotas"])) for namespace in namespaces},
    )


def read_slot(api: ApiServer, namespace: str, model: str, slot: str) -> SlotSeen:
    """Read one slot's Deployment and pods; its autoscaler's fields stay empty."""
    deployment = api.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{model}-{slot}")
    if deployment is None:
        return SlotSeen()
    pods = api.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"{NAME}={model},{SLOT}={slot}")
    return _slot(deployment, None, pods)


def read_selector(api: ApiServer, namespace: str, model: str) -> Mapping[str, str] | None:
    """Read the routing Service's live selector; None when there is no Service."""
    service = api.find(f"/api/v1/namespaces/{namespace}/services/{model}")
    return None if service is None else (service.get("spec") or {}).get("selector") or {}


def read_warnings(api: ApiServer, namespace: str, model: str, slot: str, pods: Iterable[str]) -> tuple[Reason, ...]:
    """Read what the cluster's events say against a slot's pods, ReplicaSets and Deployment, newest first."""
    events = api.list(f"/api/v1/namespaces/{namespace}/events", fieldSelector="type=Warning")
    names = {(event.get("involvedObject") or {}).get("name", "") for event in events}
    # A ReplicaSet is named after its Deployment and its template's hash, which has no dash.
    prefix = f"{model}-{slot}-"
    sets = {name for name in names if name.startswith(prefix) and "-" not in name.removeprefix(prefix)}
    return reasons.of_events(events, {f"{model}-{slot}", *sets, *pods})


def scale_up(api: ApiServer, namespace: str, model: str, slot: str, replicas: int) -> None:
    """Wake a slot through its Deployment's scale subresource, as an autoscaler would."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{model}-{slot}/scale"
    api.patch(path, {"spec": {"replicas": replicas}}, fieldManager=_MANAGER)


def put_to_sleep(api: ApiServer, namespace: str, name: str, note: str) -> None:
    """Put a Deployment to zero through its scale subresource, with a note on it of how long it takes to come back.

    The note goes first: whoever finds a slot at zero with it knows that the guard put it there, and not a person.
    """
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    api.patch(path, {"metadata": {"annotations": {STARTED: note}}}, fieldManager=_MANAGER)
    api.patch(f"{path}/scale", {"spec": {"replicas": 0}}, fieldManager=_MANAGER)


def ask(api: ApiServer, namespace: str, service: str, path: str, *, method: str, body: Any, seconds: float) -> Answer:
    """Send one request to a Service's pods through the API server's service proxy.

    So it reaches them from wherever the API server is reached, with no route into the pod network. Raises
    ApiError where the proxy itself answers in the model's stead (no endpoints, no permission), and
    UnreachableError where nothing answers within `seconds`.
    """
    answer = api.call(
        method, f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}", body=body, seconds=seconds
    )
    if (status := _own_words(answer)) is not None:
        raise ApiError(answer.status, str(status.get("reason")), str(status.get("message")))
    return answer


def _own_words(answer: Answer) -> Mapping[str, Any] | None:
    """Give the API server's own Status object, which no model sends, or None when the model answered."""
    if answer.status < 400 or b'"kind"' not in answer.body[:200]:  # noqa: PLR2004 - HTTP's errors begin there
        return None
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.get("kind") == "Status" and body.get("apiVersion") == "v1" else None


def _list(api: ApiServer, namespace: str, kind: str) -> list[dict[str, Any]]:
    # Only pods are many: a training job's are none of ours.
    query = {"labelSelector": SLOT} if kind == "pods" else {}
    return api.list(f"{_KINDS[kind]}/namespaces/{namespace}/{kind}", **query)


def _model(name: str, read: _Collections) -> ModelSeen:
    services, deployments, scalers = (
        {item["metadata"]["name"]: item for item in read[kind]}
        for kind in ("services", "deployments", "horizontalpodautoscalers")
    )
    slots = {}
    for slot in SLOTS:
        deployment = deployments.get(f"{name}-{slot}")
        pods = [pod for pod in read["pods"] if _labels(pod).get(NAME) == name and _labels(pod).get(SLOT) == slot]
        slots[slot] = _slot(deployment, scalers.get(f"{name}-{slot}"), pods)
    service = services.get(name)
    routing = None if service is None else ((service.get("spec") or {}).get("selector") or {}).get(SLOT)
    return ModelSeen(service=service is not None, routing=routing if routing in SLOTS else None, slots=slots)


def _slot(
    deployment: Mapping[str, Any] | None, scaler: Mapping[str, Any] | None, pods: Iterable[Mapping[str, Any]]
) -> SlotSeen:
    floor = ((scaler or {}).get("spec") or {}).get("minReplicas")
    hold, served = (_annotations(scaler or {}).get(name) for name in (HOLD, SERVED))
    if deployment is None:
        return SlotSeen(floor=floor, hold=hold, served=served)
    spec, status = deployment["spec"], deployment.get("status") or {}
    conditions = {condition.get("type"): condition for condition in status.get("conditions") or ()}
    available, progressing = conditions.get("Available") or {}, conditions.get("Progressing") or {}
    container = _container(spec["template"]["spec"].get("containers") or ())
    return SlotSeen(
        exists=True,
        desired=int(spec.get("replicas", 1)),
        current=int(status.get("replicas") or 0),
        updated=int(status.get("updatedReplicas") or 0),
        ready=int(status.get("readyReplicas") or 0),
        generation=int(deployment["metadata"].get("generation") or 0),
        observed_generation=int(status.get("observedGeneration") or 0),
        version=_labels(deployment).get(VERSION),
        content=_annotations(deployment).get(CONTENT),
        image=container.get("image"),
        requests=_counted(container.get("resources") or {}),
        pods=tuple(map(_pod, pods)),
        reasons=reasons.of_deployment(deployment),
        floor=floor,
        hold=hold,
        served=served,
        available=available.get("lastTransitionTime") if available.get("status") == "True" else None,
        started=_annotations(deployment).get(STARTED),
        stalled=progressing.get("reason") == "ProgressDeadlineExceeded",
    )


def _pod(pod: Mapping[str, Any]) -> PodSeen:
    metadata, status = pod["metadata"], pod.get("status") or {}
    ready: Mapping[str, Any] = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})
    return PodSeen(
        name=metadata["name"],
        image=_container(pod["spec"].get("containers") or ()).get("image", ""),
        template=_labels(pod).get("pod-template-hash", ""),
        created=metadata.get("creationTimestamp") or "",
        ready=ready.get("status") == "True",
        ready_since=(ready.get("lastTransitionTime") or "") if ready.get("status") == "True" else "",
        ending="deletionTimestamp" in metadata or status.get("phase") in ("Succeeded", "Failed"),
        reasons=reasons.of_pod(pod),
    )


def _quota(quota: Mapping[str, Any]) -> QuotaSeen:
    status = quota.get("status") or {}
    return QuotaSeen(
        name=quota["metadata"]["name"],
        hard=(quota.get("spec") or {}).get("hard") or {},
        used=status.get("used") or {},
    )


def _container(containers: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    named = list(containers)
    return next((container for container in named if container.get("name") == _CONTAINER), named[0] if named else {})


def _counted(resources: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Name a container's resources as a quota does: both `requests.cpu` and `cpu`, and so on."""
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    counted = {f"limits.{name}": amount for name, amount in limits.items()}
    counted |= {f"requests.{name}": amount for name, amount in requests.items()}
    return counted | {name: requests[name] for name in ("cpu", "memory") if name in requests}


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    return (item.get("metadata") or {}).get("labels") or {}


def _annotations(item: Mapping[str, Any]) -> Mapping[str, str]:
    return (item.get("metadata") or {}).get("annotations") or {}
