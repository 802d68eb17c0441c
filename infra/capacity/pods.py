"""What the scheduler sees of a pod: what it asks for, which labels it wants, which taints it bears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.capacity.amounts import PODS, amount

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PodKind", "pod_kind"]

_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PodKind:
    """Pods that are the same to the scheduler, whichever model's they are. Hashable, so that equals are counted."""

    requests: tuple[tuple[str, int], ...]
    selector: _Pairs = ()
    tolerations: tuple[_Pairs, ...] = ()

    @property
    def amounts(self) -> dict[str, int]:
        """What one such pod takes of its node."""
        return dict(self.requests)

    def tolerates(self, taint: Mapping[str, str]) -> bool:
        """Tell whether a taint keeps these pods away. Source: `k8s.io/api/core/v1`, `Toleration.ToleratesTaint`."""
        return any(_matches(dict(toleration), taint) for toleration in self.tolerations)


def pod_kind(template: Mapping[str, Any]) -> PodKind:
    """Read a pod template, as `components.slot_pods` makes it, with the scheduler's eyes.

    Spread over zones and nodes is left out: it is declared as a wish (`ScheduleAnyway`), which keeps no pod away.
    """
    spec = template["spec"]
    requests = {PODS: 1}
    for container in spec["containers"]:
        for resource, quantity in container["resources"]["requests"].items():
            requests[resource] = requests.get(resource, 0) + amount(resource, quantity)
    return PodKind(
        requests=tuple(sorted((resource, number) for resource, number in requests.items() if number)),
        selector=tuple(sorted(spec.get("nodeSelector", {}).items())),
        tolerations=tuple(tuple(sorted(one.items())) for one in spec.get("tolerations", ())),
    )


def _matches(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect", "") not in ("", taint["effect"]):
        return False
    if toleration.get("key", "") not in ("", taint["key"]):
        return False
    return toleration.get("operator", "Equal") == "Exists" or toleration.get("value", "") == taint.get("value", "")
