"""What is left of a workload when a node goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policies.rules.environment import ENVIRONMENTS, meant
from policies.rules.pods import SERVING_KINDS, only_holds_room
from policies.rules.quantity import percent_of
from policies.rules.rollouts import SPREAD_KINDS, WHOLE
from policies.rules.rule import Finding, stack_rule
from policies.rules.sizes import SCALERS, least
from policies.rules.stack import selects
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["pdb_allows_disruption", "replicas_ha"]

_NO_POD = re.compile(r"0+%?")


@stack_rule(
    id="replicas-ha",
    severity="high",
    reason="One pod is no pod whenever its node is drained, updated or lost",
    remedy="Run two or more: scale.min of a model, minReplicas of an autoscaler, spec.replicas of what has none.",
    source="https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
    kinds=(*SPREAD_KINDS, *SCALERS),
    options={"environments": ENVIRONMENTS},
)
def replicas_ha(stack: Stack, *, environments: Sequence[str]) -> Iterator[Finding]:
    """Every workload that is on has two pods or more. One that is scaled to zero is off, and that is all right.

    So is one whose pods only hold room for others.
    """
    if not stack.complete:
        return  # the autoscaler may still come
    for workload in stack.of(*sorted(SPREAD_KINDS)):
        if not meant(workload.manifest, environments) or only_holds_room(workload.manifest):
            continue
        pods = least(stack, workload)
        if pods is None or pods == 1:
            yield Finding(
                path="spec.replicas", found="runs one pod at its smallest", unknown=pods is None, about=workload
            )


@stack_rule(
    id="pdb-allows-disruption",
    severity="high",
    reason="A budget that allows no disruption blocks every drain, and with it the node's next security update",
    remedy="Set maxUnavailable: 1, or minAvailable below the number of pods.",
    source="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    kinds=("PodDisruptionBudget", *SCALERS, *SPREAD_KINDS),
)
def pdb_allows_disruption(stack: Stack) -> Iterator[Finding]:
    """Every disruption budget lets at least one pod go while its workload is at its smallest."""
    for budget in stack.of("PodDisruptionBudget"):
        gone, kept = (look(budget.manifest, "spec", key) for key in ("maxUnavailable", "minAvailable"))
        key = "minAvailable" if gone is None else "maxUnavailable"
        if UNKNOWN in (gone, kept):
            yield Finding(path=f"spec.{key}", found="not known in a preview", unknown=True, about=budget)
        elif _NO_POD.fullmatch(str(gone)):
            yield Finding(path=f"spec.{key}", found=f"{gone} lets no pod go", about=budget)
        elif WHOLE.fullmatch(str(kept)):
            yield Finding(path=f"spec.{key}", found=f"{kept} lets no pod go", about=budget)
        elif kept is not None and stack.complete:
            yield from _too_tight(stack, budget, kept)


def _too_tight(stack: Stack, budget: Object, kept: Any) -> Iterator[Finding]:
    selector = look(budget.manifest, "spec", "selector")
    pods = 0
    for workload, labels in stack.pods(budget.namespace):
        taken = selects(selector, labels) if workload.kind in SERVING_KINDS else False
        size = least(stack, workload) if taken else 0
        if taken is None or size is None:
            yield Finding(path="spec.minAvailable", found="not known in a preview", unknown=True, about=budget)
            return
        pods += size
    needed = percent_of(kept, pods, up=True)
    if pods and needed is not None and pods <= needed:
        yield Finding(path="spec.minAvailable", found=f"{kept} of {pods} pods lets none go", about=budget)
