"""Whether the API server would take what a plan puts into a namespace that the plan itself makes.

A dry run in a namespace that is not there is answered with "not found", so a provider lets such objects pass in a
preview. Here they are asked for in a namespace of another name with the same labels, quota, limits and service
accounts, which is there for as long as that takes: only on a cluster that is thrown away.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from review.changes import CREATE, UNKNOWN
from review.pods import SECONDS, message_of, refused_pods, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from review.changes import Step
    from sandbox.cluster.api import Api

__all__ = ["refused_newcomers"]

# What decides about pods must be there when they are asked for; the rest is only asked for.
_FOUNDATION = ("ServiceAccount", "LimitRange", "ResourceQuota")
# What the engine puts in place of a value that nobody may see.
_MASKED = "[secret]"
_REFUSED = 400
# A quota counts from the moment that the controller manager has seen it.
_COUNTED_SECONDS = 10.0


def refused_newcomers(api: Api, steps: Iterable[Step]) -> list[str]:
    """Give the API server's reasons against objects and pods of new namespaces, each with whose they are."""
    made = [step for step in steps if step.does == CREATE and step.custom and step.new]
    found: list[str] = []
    for namespace in (step for step in made if step.kind == "Namespace"):
        inside = [step for step in made if _metadata(step).get("namespace") == namespace.object]
        with _stand_in(api, namespace) as name:
            for step in sorted(inside, key=lambda step: step.kind not in _FOUNDATION):
                found += [f"{step.kind} {step.object}: {reason}" for reason in _ask(api, step, name)]
            _counted(api, name)
            found += refused_pods(api, inside, namespaces={namespace.object: name})
    return found


@contextmanager
def _stand_in(api: Api, namespace: Step) -> Iterator[str]:
    name = f"review-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": _metadata(namespace).get("labels") or {}}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield name
    finally:
        api.delete(f"/api/v1/namespaces/{name}")


def _ask(api: Api, step: Step, namespace: str) -> Iterator[str]:
    """Create an object, or only ask whether one could be; give the reason against it."""
    body = whole(step.new)
    text = json.dumps(body)
    if UNKNOWN in text or _MASKED in text:
        return
    body["metadata"]["namespace"] = namespace
    version = body["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    served = {
        each["kind"]: each["name"] for each in (api.get(root) or {}).get("resources", []) if "/" not in each["name"]
    }
    if step.kind not in served:
        return  # the provider has said so
    query = "" if step.kind in _FOUNDATION else "?dryRun=All"
    status, answer = api.request(
        "POST", f"{root}/namespaces/{namespace}/{served[step.kind]}{query}", body, timeout=SECONDS
    )
    if status >= _REFUSED:
        yield message_of(answer)


def _counted(api: Api, namespace: str) -> None:
    end = time.monotonic() + _COUNTED_SECONDS
    while time.monotonic() < end:
        quotas = api.get(f"/api/v1/namespaces/{namespace}/resourcequotas")["items"]
        if all((quota.get("status") or {}).get("hard") == quota["spec"].get("hard") for quota in quotas):
            return
        time.sleep(0.1)


def _metadata(step: Step) -> Mapping[str, Any]:
    found = (step.new or {}).get("metadata")
    return found if isinstance(found, dict) else {}
