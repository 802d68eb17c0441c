from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.labels import ENVIRONMENT, MANAGED_BY
from components.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Priority", "PriorityClasses", "PriorityClassesArgs", "priority_class", "priority_class_name"]


@dataclass(frozen=True, kw_only=True)
class Priority:
    """One class, in Kubernetes' own words."""

    value: int
    preemption: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class PriorityClassesArgs:
    """The classes of one environment, by name."""

    environment: str
    classes: Mapping[str, Priority]


class PriorityClasses(pulumi.ComponentResource):
    """Classes that say which pods wait and which make room.

    They belong to the whole cluster, which two environments may share: so the environment is in their names, and none
    is the default of pods that name no class.
    """

    def __init__(self, name: str, args: PriorityClassesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlplatform:index:PriorityClasses", name, {"environment": args.environment}, opts)
        for short, priority in args.classes.items():
            priority_class(short, priority, args.environment, self)
        self.register_outputs({})


def priority_class(name: str, priority: Priority, environment: str, parent: pulumi.ComponentResource) -> Manifest:
    """Declare one class as a child of `parent`."""
    full = priority_class_name(name, environment)
    return Manifest(
        "scheduling.k8s.io/v1:PriorityClass",
        full,
        {
            "metadata": {"name": full, "labels": {MANAGED_BY: "pulumi", ENVIRONMENT: environment}},
            "value": priority.value,
            "preemptionPolicy": priority.preemption,
            **({"description": priority.description} if priority.description else {}),
        },
        # The API server takes no change of value or preemption: such a class is made anew, under the same name.
        pulumi.ResourceOptions(
            parent=parent, replace_on_changes=["value", "preemptionPolicy"], delete_before_replace=True
        ),
    )


def priority_class_name(name: str, environment: str) -> str:
    """Give the name that a pod writes into `priorityClassName`."""
    return f"{name}-{environment}"
