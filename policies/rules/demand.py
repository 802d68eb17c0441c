"""What a workload's pods ask of nodes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from policies.rules.pods import containers_of, pod_specs
from policies.rules.quantity import amount
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from policies.rules.objects import Object

__all__ = ["asked"]


def asked(workload: Object, resource: str) -> Decimal | None:
    """Return how much of a resource one pod of a workload requests, None where that is not known yet.

    Init containers run one after the other, before the others: the largest of them counts, if it is larger than what
    all others take together. One that is restarted always, a sidecar, stays, and counts beside those that follow. Where
    a request is left out, it is the limit.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    altogether = Decimal(0)
    for spec in pod_specs(workload.manifest):
        stay = most = Decimal(0)
        for container in containers_of(spec, "initContainers", "containers"):
            each = _requested(container.values, resource)
            if each is None:
                return None
            most = max(most, stay + each)
            if container.kind == "containers" or look(container.values, "restartPolicy") == "Always":
                stay += each
        altogether += most
    return altogether


def _requested(container: Any, resource: str) -> Decimal | None:
    for part in ("requests", "limits"):
        value = look(container, "resources", part, resource)
        if value is UNKNOWN:
            return None
        if value is not None:
            return amount(value) or Decimal(0)
    return Decimal(0)
