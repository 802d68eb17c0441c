"""From a model's settings to what its components are given: what a pod is, how many there are, how one is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.autoscaler import Behavior, ExternalMetric, PodsMetric, Rules, Scale, Step
from components.priority_classes import priority_class_name
from components.rollout_strategy import Rollout
from components.slot_content import Placement, Probes, Resources, SlotContent, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from infra.settings import Direction, Metric, Model
    from infra.settings import Scale as ScaleSettings

__all__ = ["priority_class", "rollout", "scale", "slot_content"]

_AZURE = "azure.workload.identity/"


def slot_content(
    model: Model,
    version: str,
    *,
    images: Mapping[str, pulumi.Input[str]],
    secrets: Mapping[str, str],
    environment: str,
) -> SlotContent:
    """Give what the pods of a version are; `images` is by version, `secrets` by the name of the secret."""
    content = model.content_of(version)
    probes, resources = content.probes, content.resources
    return SlotContent(
        version=version,
        image=images[version],
        port=content.port,
        resources=Resources(
            cpu=resources.cpu, memory=resources.memory, gpu=resources.gpu, cpu_limit=resources.cpu_limit
        ),
        probes=Probes(
            ready=probes.ready,
            live=probes.live,
            start=probes.start.path or probes.live,
            start_within=probes.start.within,
        ),
        drain=model.drain,
        env=content.env,
        secret_env={variable: secrets[secret] for variable, secret in content.secret_env.items()},
        uri=content.uri,
        volumes={
            name: Volume(claim=mount.claim, path=mount.path, read_only=mount.read_only)
            for name, mount in content.volumes.items()
        },
        placement=Placement(
            spread=model.placement.spread,
            node_pool=model.placement.node_pool,
            node_selector=model.placement.node_selector,
            tolerations=model.placement.tolerations,
        ),
        priority_class=priority_class(model, environment),
        # Azure's webhook looks at no pod without it.
        labels={f"{_AZURE}use": "true"} if any(key.startswith(_AZURE) for key in model.identity) else {},
    )


def priority_class(model: Model, environment: str) -> str | None:
    """Give the full name of the class of a model's pods; None where they have none."""
    return None if model.priority_class is None else priority_class_name(model.priority_class, environment)


def scale(settings: ScaleSettings) -> Scale:
    """Give how far and by what a model is scaled."""
    behavior = settings.behavior
    return Scale(
        min=settings.min,
        max=settings.max,
        cpu=settings.cpu,
        memory=settings.memory,
        metrics=[_metric(metric) for metric in settings.metrics],
        behavior=Behavior(up=_rules(behavior.scale_up), down=_rules(behavior.scale_down)),
    )


def rollout(model: Model) -> Rollout:
    """Give how the pods of a model without slots are replaced."""
    chosen = model.rollout
    return Rollout(
        strategy="recreate" if model.strategy == "recreate" else "rolling",
        max_surge=chosen.max_surge,
        max_unavailable=chosen.max_unavailable,
        min_ready_seconds=chosen.min_ready_seconds,
        progress_deadline_seconds=chosen.progress_deadline_seconds,
    )


def _metric(metric: Metric) -> PodsMetric | ExternalMetric:
    if metric.external is not None:
        return ExternalMetric(
            name=metric.name, labels=metric.external.labels, per_pod=metric.per_pod, total=metric.total
        )
    if metric.per_pod is None:
        raise ValueError(f"metric {metric.name} has no perPod")  # refused by the settings' rules before
    return PodsMetric(name=metric.name, per_pod=metric.per_pod, labels=metric.labels)


def _rules(direction: Direction | None) -> Rules | None:
    if direction is None:
        return None
    steps = [Step(period=policy.period, pods=policy.pods, percent=policy.percent) for policy in direction.policies]
    return Rules(stabilization=direction.stabilization_window, select=direction.select, policies=steps)
