"""What a workload's pods ask of nodes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from policies.rules.pods import ContainerKind, containers_of, pod_specs
from policies.rules.quantity import amount
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from policies.rules.objects import Object
    from policies.rules.pods import PodSpec

__all__ = ["asked"]


def asked(workload: Object, resource: str) -> Decimal | None:
    """Return how much of a resource one pod of a workload requests, None where that is not known yet.

    Init containers run one after the other, before the others: the largest of them counts, if it is larger than what
    all others take together. Where a request is left out, it is the limit.
    """
    most = Decimal(0)
    for spec in pod_specs(workload.manifest):
        together = _of(spec, "containers", resource)
        before = _of(spec, "initContainers", resource)
        if together is None or before is None:
            return None
        most += max(sum(together, Decimal(0)), max(before, default=Decimal(0)))
    return most


def _of(spec: PodSpec, kind: ContainerKind, resource: str) -> list[Decimal] | None:
    found = [_requested(container.values, resource) for container in containers_of(spec, kind)]
    return None if None in found else [one for one in found if one is not None]


def _requested(container: Any, resource: str) -> Decimal | None:
    for part in ("requests", "limits"):
        value = look(container, "resources", part, resource)
        if value is UNKNOWN:
            return None
        if value is not None:
            return amount(value) or Decimal(0)
    return Decimal(0)
