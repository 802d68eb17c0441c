"""What may be spent: GPUs and everything else, by team and by environment."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from policies.rules.demand import asked
from policies.rules.environment import ENVIRONMENT, TEAM
from policies.rules.option import Option
from policies.rules.pods import POD_KINDS
from policies.rules.quantity import Quantity, amount, shown
from policies.rules.rule import Finding, stack_rule
from policies.rules.sizes import SCALERS, least, most, scaler_of, surge
from policies.rules.unknown import UNKNOWN, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["environment_budget", "gpu_budget", "gpu_surge_fits_quota"]

_QUOTAS = "https://kubernetes.io/docs/concepts/policy/resource-quotas/"
_GPUS = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"

_COUNT = Option(
    type=Literal["most", "least"],
    default="most",
    says="count pods at the autoscalers' maximum, which is what a month may cost, or at their minimum",
)


@stack_rule(
    id="gpu-surge-fits-quota",
    severity="high",
    reason="An update that needs one more GPU than the quota has never ends: the new pod waits for the old one",
    remedy="Raise the quota, or set maxSurge: 0 with maxUnavailable: 1, or strategy Recreate.",
    source=_QUOTAS,
    kinds=("ResourceQuota", "Deployment", *SCALERS),
)
def gpu_surge_fits_quota(stack: Stack) -> Iterator[Finding]:
    """Devices that a quota counts suffice for all workloads at their smallest, and for one update among them."""
    if not stack.complete:
        return
    for quota in stack.of("ResourceQuota"):
        hard = look(quota.manifest, "spec", "hard")
        for name, value in hard.items() if isinstance(hard, dict) else ():
            device = str(name).removeprefix("requests.")
            room = amount(value)
            if "/" in device and name != device and room is not None:
                yield from _fits(stack, quota, device, room)


def _fits(stack: Stack, quota: Object, device: str, room: Decimal) -> Iterator[Finding]:
    path, taken = f'spec.hard["requests.{device}"]', Decimal(0)
    updates: list[tuple[Decimal, Object]] = []
    for workload in stack.within(quota.namespace, *POD_KINDS):
        each, pods = asked(workload, device), least(stack, workload)
        if each == 0:
            continue
        if each is None or pods is None:
            yield Finding(path=path, found="not known in a preview", unknown=True, about=quota)
            return
        taken += each * pods
        updates.append((each * surge(workload, pods), workload))
    if not updates:
        return
    extra, workload_of = max(updates, key=itemgetter(0))
    if taken > room:
        yield Finding(path=path, found=f"{shown(room)} are fewer than the {shown(taken)} that run", about=quota)
    elif taken + extra > room:
        yield Finding(
            path="spec.strategy.rollingUpdate.maxSurge",
            found=f"an update takes {shown(extra)} of {device} more than the {shown(taken)} that run, and the quota is"
            f" {shown(room)}",
            about=workload_of,
            also=(quota,),
        )


@stack_rule(
    id="gpu-budget",
    severity="high",
    reason="A GPU costs as much as fifty CPUs, and an autoscaler's maximum is a promise to pay for it",
    remedy="Lower scale.max, or ask for a larger budget.",
    source=_GPUS,
    kinds=(*POD_KINDS, *SCALERS),
    wide=True,
    options={
        "teams": Option(
            type=dict[str, int],
            default={},
            says=f"GPUs that a team may use, by the label {TEAM}. None by default: budgets are an organisation's",
        ),
        "altogether": Option(type=int | None, default=None, says="GPUs that the whole stack may use"),
        "devices": Option(
            type=list[str],
            default=["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe"],
            says="resources that are GPUs: those of the usual device plugins",
        ),
        "count": _COUNT,
    },
)
def gpu_budget(
    stack: Stack, *, teams: dict[str, int], altogether: int | None, devices: list[str], count: str
) -> Iterator[Finding]:
    """No team, and not the whole stack, requests more GPUs than its budget has."""
    limits = {(TEAM, team): {"GPU": Decimal(limit)} for team, limit in teams.items()}
    if altogether is not None:
        limits["", ""] = {"GPU": Decimal(altogether)}
    if limits:
        yield from _over(stack, limits, count, {"GPU": devices})


@stack_rule(
    id="environment-budget",
    severity="high",
    reason="What all models of an environment request together is what it costs; no single change shows it",
    remedy="Lower requests or scale.max, or ask for a larger budget.",
    source=_QUOTAS,
    kinds=(*POD_KINDS, *SCALERS),
    wide=True,
    options={
        "environments": Option(
            type=dict[str, dict[str, Quantity]],
            default={},
            says=f"requests that an environment may sum up to, by the label {ENVIRONMENT}, such as `{{prod: {{cpu: "
            '"200", memory: 800Gi}}`. None by default: budgets are an organisation\'s',
        ),
        "teams": Option(
            type=dict[str, dict[str, Quantity]],
            default={},
            says=f"requests that a team may sum up to, by the label {TEAM}",
        ),
        "count": _COUNT,
    },
)
def environment_budget(
    stack: Stack, *, environments: dict[str, dict[str, str]], teams: dict[str, dict[str, str]], count: str
) -> Iterator[Finding]:
    """No environment and no team requests more than its budget has."""
    limits = {
        (label, name): {resource: bound for resource, limit in budget.items() if (bound := amount(limit)) is not None}
        for label, budgets in ((ENVIRONMENT, environments), (TEAM, teams))
        for name, budget in budgets.items()
    }
    names = {resource for budget in limits.values() for resource in budget}
    if limits:
        yield from _over(stack, limits, count, {name: [name] for name in names})


def _over(
    stack: Stack,
    limits: Mapping[tuple[str, str], Mapping[str, Decimal]],
    count: str,
    resources: Mapping[str, Iterable[str]],
) -> Iterator[Finding]:
    """Compare sums with limits.

    Args:
        stack: the objects.
        limits: by label and value, what may be requested of each resource; an empty label is the whole stack.
        count: most or least.
        resources: the names under which each resource is requested.

    """
    sums: dict[tuple[tuple[str, str], str], Decimal] = defaultdict(Decimal)
    takers: dict[tuple[tuple[str, str], str], list[Object]] = defaultdict(list)
    for workload in stack.of(*sorted(POD_KINDS)):
        pods = _pods(stack, workload, count)
        for (label, value), budget in limits.items():
            if label and workload.labels.get(label) != value:
                continue
            key = (label, value)
            for resource in budget:
                each = [asked(workload, name) for name in resources[resource]]
                if None in each or pods is None:
                    yield Finding(path="spec", found=f"{resource} not known yet", unknown=True, about=workload)
                elif taken := sum((one for one in each if one), Decimal(0)) * pods:
                    sums[key, resource] += taken
                    takers[key, resource].append(workload)
    for (key, resource), total in sums.items():
        if total > limits[key][resource]:
            *others, last = takers[key, resource]
            label, value = key
            whose = f"{label.removeprefix('ml-platform/')} {value}" if label else "the stack"
            yield Finding(
                path="spec",
                found=f"{whose} requests {shown(total)} of {resource}, {count} pods counted; its budget is"
                f" {shown(limits[key][resource])}",
                about=last,
                also=tuple(others),
            )


def _pods(stack: Stack, workload: Object, count: str) -> int | None:
    if not stack.complete and look(workload.manifest, "spec", "replicas") in (None, UNKNOWN):
        # Its autoscaler may still come, and say zero.
        return (most if count == "most" else least)(stack, workload) if scaler_of(stack, workload) else 0
    return (most if count == "most" else least)(stack, workload)
