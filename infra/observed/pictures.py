"""Kubernetes objects, as the API server gives them, turned into the frozen values that the guard works on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.labels import ACTIVE, CONTENT, HOLD, NAME, SERVED, SLOT, STARTED, VERSION, slot_name
from infra.observed import reasons
from infra.observed.state import PLACES, ModelSeen, PodSeen, QuotaSeen, Scope, SlotSeen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.labels import Place
    from infra.observed.state import RouteSeen

__all__ = ["Space", "model_seen", "quota_seen", "routing", "slot_seen"]

# The container that serves; what is injected beside it (a mesh's proxy) says nothing about the version.
_CONTAINER = "model"


class Space:
    """One namespace's objects by kind, found by name; its pods by model and place."""

    def __init__(self, read: Mapping[str, list[dict[str, Any]]]) -> None:
        self._named = {
            kind: {item["metadata"]["name"]: item for item in items} for kind, items in read.items() if kind != "pods"
        }
        self._pods: dict[tuple[str | None, str | None], list[dict[str, Any]]] = {}
        for pod in read.get("pods", ()):
            labels = _labels(pod)
            self._pods.setdefault((labels.get(NAME), labels.get(SLOT)), []).append(pod)

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """Give an object, or None where there is none."""
        return self._named.get(kind, {}).get(name)

    def pods(self, model: str, place: Place) -> list[dict[str, Any]]:
        """Give the pods that stand at a place of a model."""
        return self._pods.get((model, place), [])


def model_seen(name: str, space: Space, route: RouteSeen | None) -> ModelSeen:
    """Give a model as it stands in its namespace."""
    slots = {
        place: slot_seen(
            space.find("deployments", slot_name(name, place)),
            space.find("horizontalpodautoscalers", slot_name(name, place)),
            space.pods(name, place),
        )
        for place in PLACES
    }
    service = space.find("services", name)
    place = routing(service)
    shared = place is not None and SLOT not in ((service or {}).get("spec") or {}).get("selector", {})
    return ModelSeen(service=service is not None, routing=place, shared=shared, slots=slots, route=route)


def routing(service: Mapping[str, Any] | None) -> Place | None:
    """Give the place that a routing Service names, or says to be the active one where two share the traffic."""
    if service is None:
        return None
    selector = (service.get("spec") or {}).get("selector") or {}
    named = selector.get(SLOT) if SLOT in selector else _annotations(service).get(ACTIVE)
    return next((place for place in PLACES if place == named), None)


def slot_seen(
    deployment: Mapping[str, Any] | None, scaler: Mapping[str, Any] | None, pods: Iterable[Mapping[str, Any]]
) -> SlotSeen:
    """Give what stands at one place."""
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


def quota_seen(quota: Mapping[str, Any]) -> QuotaSeen:
    """Give a ResourceQuota's limits, its use, and whose pods it counts."""
    spec, status = quota.get("spec") or {}, quota.get("status") or {}
    selector = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return QuotaSeen(
        name=quota["metadata"]["name"],
        hard=spec.get("hard") or {},
        used=status.get("used") or {},
        scopes=(
            *(Scope(name=name, operator="Exists") for name in spec.get("scopes") or ()),
            *(
                Scope(name=one["scopeName"], operator=one["operator"], values=frozenset(one.get("values") or ()))
                for one in selector
            ),
        ),
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
