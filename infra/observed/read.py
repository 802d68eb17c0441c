"""Read the models of a stack from the API server: once a run, and again while a gate waits.

What this needs of RBAC, in each team's namespace: get and list deployments, horizontalpodautoscalers,
services, pods, events and resourcequotas; for the gate also patch deployments/scale, and get and create
services/proxy; where a slot sleeps also patch deployments.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from components.labels import NAME, SLOT, STARTED, Place, slot_name
from infra.observed import reasons
from infra.observed.api import CONNECTIONS, Answer, ApiError, ApiServer, UnreachableError
from infra.observed.pictures import Space, model_seen, quota_seen, slot_seen
from infra.observed.routes import list_routes
from infra.observed.state import Observed, Reason, RouteSeen, SlotSeen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["ask", "observe", "put_to_sleep", "read_service", "read_slot", "read_warnings", "scale_up"]

_KINDS = {
    "services": "/api/v1",
    "deployments": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "resourcequotas": "/api/v1",
    "pods": "/api/v1",
}

# Under which the API server files what the guard writes by itself.
_MANAGER = "ml-platform-guard"


def observe(api: ApiServer, models: Mapping[str, str], *, routed: Collection[str] = ()) -> Observed:
    """Read every model's state, given model names and their namespaces; and of those in `routed` their HTTPRoutes.

    Five lists a namespace, side by side, and a sixth where models are routed. A cluster that cannot be asked, or does
    not let us read, is no error here: `unreachable` says why, since a preview is worth having without it.
    """
    if not models:
        return Observed()
    namespaces = sorted(set(models.values()))
    wanted = [(namespace, kind) for namespace in namespaces for kind in _KINDS]
    try:
        # The first alone: an unreachable cluster then costs one wait, not one for each list.
        first = _list(api, *wanted[0])
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as threads:
            listing = threads.map(lambda what: _list(api, *what), wanted[1:])
            spaces = sorted({models[name] for name in routed})
            routes = dict(zip(spaces, threads.map(lambda space: list_routes(api, space), spaces), strict=True))
            rest = list(listing)
    except UnreachableError as error:
        return Observed(unreachable=str(error))
    except ApiError as error:
        return Observed(unreachable=f"{api.address} refuses: {error}")
    read: dict[str, dict[str, list[dict[str, Any]]]] = {namespace: {} for namespace in namespaces}
    for (namespace, kind), items in zip(wanted, [first, *rest], strict=True):
        read[namespace][kind] = items
    found = {namespace: Space(lists) for namespace, lists in read.items()}
    none: Mapping[str, RouteSeen] = {}
    return Observed(
        models={
            name: model_seen(name, found[namespace], routes.get(namespace, none).get(name))
            for name, namespace in models.items()
        },
        quotas={namespace: tuple(map(quota_seen, read[namespace]["resourcequotas"])) for namespace in namespaces},
    )


def read_slot(api: ApiServer, namespace: str, model: str, place: Place) -> SlotSeen:
    """Read the Deployment and the pods at one place of a model; the autoscaler's fields stay empty."""
    deployment = api.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{slot_name(model, place)}")
    if deployment is None:
        return SlotSeen()
    pods = api.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"{NAME}={model},{SLOT}={place}")
    return slot_seen(deployment, None, pods)


def read_service(api: ApiServer, namespace: str, model: str) -> Mapping[str, Any] | None:
    """Read the routing Service; None when there is none."""
    return api.find(f"/api/v1/namespaces/{namespace}/services/{model}")


def read_warnings(api: ApiServer, namespace: str, name: str, pods: Iterable[str]) -> tuple[Reason, ...]:
    """Read what the cluster's events say against a Deployment, its ReplicaSets and pods, newest first."""
    events = api.list(f"/api/v1/namespaces/{namespace}/events", fieldSelector="type=Warning")
    names = {(event.get("involvedObject") or {}).get("name", "") for event in events}
    # A ReplicaSet is named after its Deployment and its template's hash, which has no dash.
    prefix = f"{name}-"
    sets = {found for found in names if found.startswith(prefix) and "-" not in found.removeprefix(prefix)}
    return reasons.of_events(events, {name, *sets, *pods})


def scale_up(api: ApiServer, namespace: str, name: str, replicas: int) -> None:
    """Wake a Deployment through its scale subresource, as an autoscaler would."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
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
