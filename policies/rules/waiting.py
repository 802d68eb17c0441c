"""How long an update waits for pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules.pods import containers
from policies.rules.rule import Finding, Manifest, rule
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["await_longer_than_start"]

_TIMEOUT = "pulumi.com/timeoutSeconds"


@rule(
    id="await-longer-than-start",
    severity="high",
    reason="Who stops waiting before a pod may have started calls every slow start a failure, and rolls it back",
    remedy="Set progressDeadlineSeconds, and pulumi.com/timeoutSeconds where it is said, above what the startup probe"
    " allows.",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds",
    kinds=("Deployment",),
)
def await_longer_than_start(manifest: Manifest) -> Iterator[Finding]:
    """Every Deployment is waited for longer than its slowest container may take to start; upstream, 10 minutes."""
    start = 0.0
    for container in containers(manifest, "containers", "initContainers"):
        probe = look(container.values, "startupProbe")
        taken = _seconds(probe)
        if taken is None:
            yield container.unknown("startupProbe")
            return
        start = max(start, taken)
    ready = look(manifest, "spec", "minReadySeconds")
    start += ready if isinstance(ready, int | float) else 0
    said = {
        "spec.progressDeadlineSeconds": look(manifest, "spec", "progressDeadlineSeconds"),
        f'metadata.annotations["{_TIMEOUT}"]': look(manifest, "metadata", "annotations", _TIMEOUT),
    }
    for path, value in said.items():
        if value is None and path == "spec.progressDeadlineSeconds":
            value = 600  # noqa: PLW2901  upstream's default
        waited = _number(value)
        if value is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True)
        elif waited is not None and waited <= start:
            yield Finding(path=path, found=f"waits {waited:g} s for pods that may take {start:g} s to start")


def _seconds(probe: Any) -> float | None:
    """Return how long a startup probe lets a container take; None where that is not known yet."""
    if probe is None or not isinstance(probe, dict):
        return None if probe is UNKNOWN else 0
    parts = [probe.get(key, default) for key, default in _DEFAULTS.items()]
    if UNKNOWN in parts:
        return None
    delay, period, failures = (_number(part) or 0 for part in parts)
    return delay + period * failures


_DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
