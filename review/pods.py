"""Whether the API server would take the pods of what a plan changes.

It takes a Deployment whose pods it then refuses, for Pod Security, a quota or a limit range; only the ReplicaSet's
events tell. So one pod of each changed template is sent as a dry run, which is admitted or refused as a real one is.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from review.changes import DELETE, UNKNOWN

if TYPE_CHECKING:
    from review.changes import Step
    from sandbox.cluster.api import Api

__all__ = ["SECONDS", "message_of", "refused_pods", "whole"]

# Admission is quick, and a busy machine is not.
SECONDS = 30.0
_OK, _NOT_FOUND = 200, 404
_REDIRECT = 300


def refused_pods(api: Api, steps: Iterable[Step], *, namespaces: Mapping[str, str] | None = None) -> list[str]:
    """Give the API server's reasons against the pods of changed workloads, each with whose pods they are.

    `namespaces` names those that stand in for others. Pods of a namespace, or with a service account, that the same
    plan makes cannot be asked for yet.
    """
    found: list[str] = []
    for step, pod in _pods(steps):
        namespace = pod["metadata"]["namespace"]
        namespace = pod["metadata"]["namespace"] = (namespaces or {}).get(namespace, namespace)
        status, body = api.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod, timeout=SECONDS)
        if _OK <= status < _REDIRECT or status == _NOT_FOUND:
            continue
        message = message_of(body)
        if not ("not found" in message and "service account" in message):
            found.append(f"{step.kind} {step.object}: its pods would be refused: {message}")
    return found


def _pods(steps: Iterable[Step]) -> Iterator[tuple[Step, dict[str, Any]]]:
    for step in steps:
        if step.does in (None, DELETE) or not step.custom or step.new is None:
            continue
        template, metadata = _template(step.new), step.new.get("metadata") or {}
        if template is None or template == _template(step.old or {}) or UNKNOWN in json.dumps(template):
            continue
        about = template.get("metadata") or {}
        yield (
            step,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "generateName": f"{metadata.get('name', 'pod')}-",
                    "namespace": metadata.get("namespace", "default"),
                    "labels": about.get("labels") or {},
                    "annotations": about.get("annotations") or {},
                },
                "spec": whole(template["spec"]),
            },
        )


def _template(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the pod template of a workload, a CronJob's inside its job's, None for what has none."""
    spec = properties.get("spec")
    if isinstance(spec, Mapping) and isinstance(spec.get("jobTemplate"), Mapping):
        spec = spec["jobTemplate"].get("spec")
    template = spec.get("template") if isinstance(spec, Mapping) else None
    return template if isinstance(template, Mapping) and isinstance(template.get("spec"), Mapping) else None


def whole(value: Any) -> Any:
    """Turn the engine's numbers, all floating, into the whole ones that they are."""
    if isinstance(value, Mapping):
        return {key: whole(held) for key, held in value.items()}
    if isinstance(value, list):
        return [whole(held) for held in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def message_of(body: bytes) -> str:
    """Return the API server's reason."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        return body.decode(errors="replace")[:500]
