"""The kinds that describe pods, and where: Kubernetes' own, and the custom resources of the usual add-ons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.rule import Manifest

__all__ = ["POD_KINDS", "SERVING_KINDS", "templates"]


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """Where a kind keeps its pods."""

    templates: tuple[str, ...] = ()
    """Paths of pod templates (`metadata` and `spec`); `*` is each item of a list or each value of a mapping."""
    inline: tuple[str, ...] = ()
    """Paths of pod specifications that stand among other fields, without a template around them."""
    group: str | None = None
    """Only objects of this API group, where another group has a kind of the same name."""
    serving: bool = False
    """Its pods are meant to run on."""


_TEMPLATE = ("spec.template",)
_JOB_SPEC = "spec.jobTemplate.spec.template"
_RAY = ("headGroupSpec.template", "workerGroupSpecs.*.template")
_KUBEFLOW = {"PyTorchJob": "pytorch", "TFJob": "tf", "MPIJob": "mpi", "XGBoostJob": "xgb", "PaddleJob": "paddle"}

_KINDS: dict[str, _Kind] = {
    "Pod": _Kind(templates=("",), serving=True),
    "PodTemplate": _Kind(templates=("template",)),
    "Deployment": _Kind(templates=_TEMPLATE, serving=True),
    "StatefulSet": _Kind(templates=_TEMPLATE, serving=True),
    "DaemonSet": _Kind(templates=_TEMPLATE, serving=True),
    "ReplicaSet": _Kind(templates=_TEMPLATE, serving=True),
    "ReplicationController": _Kind(templates=_TEMPLATE, serving=True),
    "Job": _Kind(templates=_TEMPLATE),
    "CronJob": _Kind(templates=(_JOB_SPEC,)),
    # Argo Rollouts and OpenKruise.
    "Rollout": _Kind(templates=_TEMPLATE, serving=True),
    "CloneSet": _Kind(templates=_TEMPLATE, serving=True),
    # Knative Serving; its Service has the name of Kubernetes' own. Probes are added by Knative itself.
    "Service": _Kind(templates=_TEMPLATE, group="serving.knative.dev"),
    "Configuration": _Kind(templates=_TEMPLATE, group="serving.knative.dev"),
    "Revision": _Kind(inline=("spec",), group="serving.knative.dev"),
    # KServe: each part of an InferenceService is a pod specification with fields of its own.
    "InferenceService": _Kind(inline=("spec.predictor", "spec.transformer", "spec.explainer")),
    "ServingRuntime": _Kind(inline=("spec",)),
    "ClusterServingRuntime": _Kind(inline=("spec",)),
    # Training and batch.
    **{kind: _Kind(templates=(f"spec.{short}ReplicaSpecs.*.template",)) for kind, short in _KUBEFLOW.items()},
    "JobSet": _Kind(templates=("spec.replicatedJobs.*.template.spec.template",)),
    "LeaderWorkerSet": _Kind(
        templates=("spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate")
    ),
    "ScaledJob": _Kind(templates=("spec.jobTargetRef.template",)),
    # Data: Spark, Ray, Dask.
    "SparkApplication": _Kind(templates=("spec.driver.template", "spec.executor.template")),
    "ScheduledSparkApplication": _Kind(
        templates=("spec.template.driver.template", "spec.template.executor.template"),
    ),
    "RayCluster": _Kind(templates=tuple(f"spec.{path}" for path in _RAY)),
    "RayJob": _Kind(templates=("spec.submitterPodTemplate", *(f"spec.rayClusterSpec.{path}" for path in _RAY))),
    "RayService": _Kind(templates=tuple(f"spec.rayClusterConfig.{path}" for path in _RAY)),
    "DaskCluster": _Kind(templates=("spec.scheduler", "spec.worker")),
    "DaskWorkerGroup": _Kind(templates=("spec.worker",)),
    "DaskJob": _Kind(templates=("spec.job", "spec.cluster.spec.scheduler", "spec.cluster.spec.worker")),
}

_OPTIONAL = frozenset(kind for kind, known in _KINDS.items() if known.group or len(known.templates) != 1)
"""Kinds that need not have every part: what is missing there is no pod without a specification."""

POD_KINDS = frozenset(_KINDS)

SERVING_KINDS = frozenset(kind for kind, known in _KINDS.items() if known.serving)
"""Kinds whose pods are meant to run on."""


def templates(manifest: Manifest) -> Iterator[tuple[str, Any, bool]]:
    """Find an object's pod templates: path, value, and whether the value is the pod's specification itself."""
    kind = str(manifest.get("kind"))
    known = _KINDS.get(kind)
    if known is None or (known.group and not str(manifest.get("apiVersion", "")).startswith(f"{known.group}/")):
        return
    for paths, inline in ((known.templates, False), (known.inline, True)):
        for path in paths:
            for place, value in _follow(manifest, path.split(".") if path else [], ""):
                if value is not None or kind not in _OPTIONAL:
                    yield place, value, inline


def _follow(value: Any, keys: list[str], path: str) -> Iterator[tuple[str, Any]]:
    if value is UNKNOWN or not keys:
        yield ".".join(filter(None, (path, *keys))), value
        return
    key, rest = keys[0], keys[1:]
    if key != "*":
        yield from _follow(look(value, key), rest, f"{path}.{key}" if path else key)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _follow(inner, rest, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _follow(inner, rest, f"{path}[{index}]")
