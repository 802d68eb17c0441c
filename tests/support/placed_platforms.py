"""Platforms as objects of a cluster: nodes, what stands on every node, and the pods of the moment that must fit.

Pods come from the very templates that the program declares, under names in a random order, which is the order in which
a scheduler that starts later takes them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from components.slot_pods import pod_template
from infra.contents import slot_content

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from random_platforms import Platform

    from infra.capacity.models import ModelPods
    from infra.capacity.pods import PodKind
    from infra.settings import Settings

__all__ = ["LABEL", "OVERHEAD", "PLATFORMS", "namespace_of", "nodes", "overhead", "pods", "quota"]

LABEL = "test.ml-platform/platform"
OVERHEAD = "test.ml-platform/overhead"
PLATFORMS = "platforms"


def nodes(platform: Platform, name: str) -> Iterator[dict[str, Any]]:
    """The nodes at their maxima, named and marked as a provider would."""
    for pool, values in platform.ample.cluster.node_pools.items():
        offered = {"cpu": values.allocatable.cpu, "memory": values.allocatable.memory}
        offered |= {"pods": str(values.allocatable.pods), **{key: str(n) for key, n in values.accelerators.items()}}
        for index in range(values.max):
            zones = {"topology.kubernetes.io/zone": values.zones[index % len(values.zones)]} if values.zones else {}
            node = f"{name}-{pool}-{index}"
            labels = {"kubernetes.io/hostname": node, "kubernetes.io/os": "linux", "ml-platform/node-pool": pool}
            yield {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": node, "labels": {**values.labels, **labels, **zones, LABEL: name}},
                "spec": {"taints": [_taint(text) for text in values.taints]},
                "status": {"capacity": offered, "allocatable": offered},
            }


def overhead(platform: Platform, name: str) -> Iterator[dict[str, Any]]:
    """What stands on every node before anything else comes: bound there, as a daemon set's pods are in the end."""
    pools = platform.ample.cluster.node_pools
    for node in nodes(platform, name):
        pool = pools[node["metadata"]["labels"]["ml-platform/node-pool"]]
        for index in range(pool.overhead.pods):
            # All of it in the first: a sum is what is declared.
            requests = {"cpu": pool.overhead.cpu, "memory": pool.overhead.memory} if not index else {}
            yield _pod(
                f"{node['metadata']['name']}-daemon-{index}",
                PLATFORMS,
                {OVERHEAD: "true"},
                {
                    "nodeName": node["metadata"]["name"],
                    "containers": [{"name": "daemon", "image": "daemon", "resources": {"requests": requests}}],
                },
            )


def pods(platform: Platform, name: str, draw: random.Random) -> Iterator[dict[str, Any]]:
    """The pods of the largest moment that must fit, in no order."""
    settings, proof = platform.ample, platform.proof
    templates: dict[PodKind, list[dict[str, Any]]] = defaultdict(list)
    for model in proof.models:
        for place, template in _templates(settings, model, name):
            templates[model.kinds[place]].append(template)
    own = _affinity([node["metadata"]["name"] for node in nodes(platform, name)])
    for kind, count in proof.stages[-1].pods.items():
        for index in range(count):
            template = templates[kind][index % len(templates[kind])]
            # A Deployment's pods have it, and spreading asks for it.
            labels = {**template["metadata"]["labels"], "pod-template-hash": "h", LABEL: name}
            spec = {**template["spec"], "affinity": own, "serviceAccountName": "default"}
            yield _pod(f"p{draw.getrandbits(48):012x}", namespace_of(platform, name), labels, spec)


def quota(platform: Platform, name: str) -> dict[str, Any] | None:
    """The team's quota as an object, with its bounds already in force; None where it holds anything."""
    hard = platform.raw["teams"]["team"]["quota"]
    if hard["pods"] == "9999":
        return None
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": name},
        "spec": {"hard": hard},
        # A controller would write it, of which there is none here; admission reads nothing else.
        "status": {"hard": hard, "used": dict.fromkeys(hard, "0")},
    }


def namespace_of(platform: Platform, name: str) -> str:
    """A namespace of its own where a quota matters."""
    return PLATFORMS if quota(platform, name) is None else name


def _templates(settings: Settings, model: ModelPods, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, version in model.versions.items():
        labels = {"app.kubernetes.io/name": f"{name}-{model.name}", "ml-platform/slot": place}
        content = slot_content(
            model.model,
            version,
            images=dict.fromkeys(model.model.versions, "image"),
            secrets={},
            environment="test",
        )
        yield place, pod_template(content, labels=labels, selector=labels, service_account="default")


def _affinity(names: list[str]) -> dict[str, Any]:
    """Keep to these nodes, by name: a scheduler then looks at no others, of which there are two thousand."""
    fields = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]} for node in names]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": fields}}}


def _pod(name: str, namespace: str, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _taint(text: str) -> dict[str, str]:
    pair, _, effect = text.partition(":")
    key, _, value = pair.partition("=")
    return {"key": key, "value": value, "effect": effect}
