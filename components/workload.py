"""What runs one version under one name: in a slot, or in the only place that a model without slots has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pulumi

from components.autoscaler import Floor, Scale, autoscaler_annotations, autoscaler_spec
from components.hooks import Hook, guarded
from components.labels import (
    CONTENT,
    PATCH_FORCE,
    SERVED_PORT,
    SKIP_AWAIT,
    VERSION,
    Place,
    slot_name,
    slot_selector,
)
from components.manifest import Manifest
from components.slot_environment import declare_environment
from components.slot_pods import SlotContent, content_hash, pod_template, rollout_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.rollout_strategy import Rollout

__all__ = ["Running", "Workload", "declare_workload", "service_spec"]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One version of a model, as many pods as its autoscaler wants, and how they are replaced."""

    model: str
    place: Place
    namespace: str
    labels: Mapping[str, str]
    """Of every object; those by which pods are selected among them."""

    service_account: str
    scale: Scale
    content: SlotContent
    floor: Floor | None
    rollout: Rollout

    guard: Hook | None
    """Asked before the Deployment is changed."""

    @property
    def name(self) -> str:
        """The one name of Deployment, autoscaler and disruption budget."""
        return slot_name(self.model, self.place)

    @property
    def selector(self) -> dict[str, str]:
        """What finds the pods, whichever version they are."""
        return dict(slot_selector(self.model, self.place))


class Running(NamedTuple):
    """What was declared: the hash of the pods, and the objects that stand before traffic may be sent to them."""

    content: pulumi.Output[str]
    objects: tuple[Manifest, ...]


def declare_workload(work: Workload, parent: pulumi.Resource, after: Sequence[Manifest] = ()) -> Running:
    """Declare everything that runs the version as children of `parent`, the Deployment after the objects in `after`.

    A function and no component of its own, since each resource costs the engine as much as a Deployment does.
    """
    environment = declare_environment(
        work.content,
        model=work.model,
        name=work.name,
        namespace=work.namespace,
        labels=work.labels,
        parent=parent,
    )
    template = pod_template(
        work.content,
        labels={**work.labels, VERSION: work.content.version},
        selector=work.selector,
        service_account=work.service_account,
        config=environment.config,
        secret=environment.secret,
    )
    content = content_hash(template)
    deployment = _declare(
        work,
        "apps/v1:Deployment",
        {
            # No replicas here: the autoscaler owns the field. Declared, each `up` would set it back or conflict with
            # the autoscaler (pulumi-kubernetes#2491).
            "selector": {"matchLabels": work.selector},
            **work.rollout.deployment(deadline=rollout_deadline(work.content)),
            # Going back is a switch or the former version, not `kubectl rollout undo`: two former templates are kept
            # for whoever asks what ran before, in place of ten.
            "revisionHistoryLimit": 2,
            "template": template,
        },
        # The guard waits for pods, for the target before the switch and for every other that changed after it: it
        # ends within seconds where a version cannot run, while the provider waits out its ten minutes.
        {CONTENT: content, SKIP_AWAIT: "true"},
        pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*after, *environment.objects],
            hooks=guarded(f"slot:{work.namespace}/{work.name}", work.guard, creation=False),
        ),
    )
    alone = pulumi.ResourceOptions(parent=parent)
    autoscaler = _declare(
        work,
        "autoscaling/v2:HorizontalPodAutoscaler",
        autoscaler_spec(work.name, work.scale, work.floor),
        autoscaler_annotations(work.floor),
        alone,
    )
    budget = {
        "selector": {"matchLabels": work.selector},
        # One at a time, and always one: `minAvailable` would stop every node's drain for ever at a slot of one pod,
        # which is what the cluster's own upgrades run into.
        "maxUnavailable": 1,
        # A pod that is broken anyway never holds up a drain.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    disruptions = _declare(work, "policy/v1:PodDisruptionBudget", budget, {}, alone)
    return Running(pulumi.Output.from_input(content), (deployment, autoscaler, disruptions))


def service_spec(selector: Mapping[str, str]) -> dict[str, Any]:
    """Give the spec of a Service of a model: port 80, led by name to whichever port a version listens on."""
    return {
        "selector": dict(selector),
        "ports": [{"name": SERVED_PORT, "port": 80, "targetPort": SERVED_PORT, "protocol": "TCP"}],
    }


def _declare(
    work: Workload,
    kind: str,
    spec: Mapping[str, Any],
    annotations: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> Manifest:
    metadata = {
        "name": work.name,
        "namespace": work.namespace,
        "labels": {**work.labels, VERSION: work.content.version},
        "annotations": {PATCH_FORCE: "true", **annotations},
    }
    return Manifest(kind, f"{work.namespace}/{work.name}", {"metadata": metadata, "spec": spec}, opts)
