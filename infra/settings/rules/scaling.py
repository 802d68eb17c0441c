"""What an autoscaler cannot be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from infra.settings.errors import KeyPath, Mistake
from infra.settings.rules.raw import as_whole, below, given, mapping

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["scaling"]


def scaling(model: RawModel) -> Iterator[Mistake]:
    """Find sizes that exclude each other, an autoscaler without any metric, and metrics that are not one thing."""
    scale, path = mapping(model.values, "scale"), (*model.path, "scale")
    yield from _bounds(model, path)
    yield from _idle(model)
    metrics = scale.get("metrics")
    if "cpu" in scale and scale["cpu"] is None and not given(scale, "memory") and not metrics:
        yield Mistake(
            path=(*path, "cpu"),
            message="null leaves the autoscaler without a metric; add memory or metrics, or leave it",
        )
    for index, metric in enumerate(_entries(metrics)):
        yield from _metric(metric, (*path, "metrics", index))
    for direction in ("scaleUp", "scaleDown"):
        policies = mapping(scale, "behavior", direction).get("policies")
        for index, policy in enumerate(_entries(policies)):
            one = (*path, "behavior", direction, "policies", index)
            yield from _either(policy, "percent", "pods", one)


def _bounds(model: RawModel, path: KeyPath) -> Iterator[Mistake]:
    least, most = model.least, model.most
    if least is None or most is None or not least > most >= 1:
        return
    named = given(model.values, "scale", "min")
    said = f"min is {least}" if named else f"min is {least} by default"
    yield Mistake(
        path=(*path, "min" if named else "max"), message=f"{said} and above max, {most}; allowed: min up to max"
    )


def _idle(model: RawModel) -> Iterator[Mistake]:
    """Find an idle slot that would be larger than the one that serves may become."""
    size = as_whole(below(model.values, "idle", "size"))
    if size is not None and model.least is not None and size > model.least >= 1:
        yield Mistake(
            path=(*model.path, "idle", "size"),
            message=f"{size} is above scale.min, {model.least}: the slot that nobody asks would be larger than the one"
            " that serves; raise scale.min, or leave it warm",
        )


def _entries(value: object) -> list[Mapping[str, Any]]:
    """Return a list's entries, an empty one for what is no mapping, so that places stay."""
    return [entry if isinstance(entry, Mapping) else {} for entry in value] if isinstance(value, list | tuple) else []


def _either(values: Mapping[str, Any], one: str, other: str, path: KeyPath) -> Iterator[Mistake]:
    if values and given(values, one) == given(values, other):
        both = given(values, one)
        yield Mistake(
            path=path, message=f"{one} and {other} exclude each other; keep one" if both else f"needs {one} or {other}"
        )


def _metric(metric: Mapping[str, Any], path: KeyPath) -> Iterator[Mistake]:
    yield from _either(metric, "perPod", "total", path)
    if given(metric, "external"):
        if mapping(metric, "labels"):
            yield Mistake(path=(*path, "labels"), message="an external metric's labels stand in external.labels")
    elif given(metric, "total"):
        yield Mistake(
            path=(*path, "total"), message="is for an external metric only (external: {}); a pods' metric has perPod"
        )
