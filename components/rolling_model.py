from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.hooks import Hook, guarded
from components.labels import ONLY, PATCH_FORCE, SKIP_AWAIT, owner_labels, slot_selector
from components.manifest import Manifest
from components.rollout_strategy import Rollout
from components.workload import Running, Workload, declare_workload, service_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.autoscaler import Floor, Scale
    from components.slot_pods import SlotContent

__all__ = ["RollingModel", "RollingModelArgs"]


@dataclass(frozen=True, kw_only=True)
class RollingModelArgs:
    """A model of one team that is replaced where it stands."""

    model: str
    team: str
    environment: str
    namespace: str
    scale: Scale
    content: SlotContent
    rollout: Rollout = field(default_factory=Rollout)
    floor: Floor | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its ServiceAccount, by which a cloud knows it."""

    guard: Hook | None = None
    """Asked before the Deployment is changed."""

    gate: Hook | None = None
    """Asked before the Service is created or changed. It changes where a model with slots becomes one without."""


class RollingModel(pulumi.ComponentResource):
    """A model without slots: one Deployment, whose pods are replaced in place when its version changes.

    It needs no room for a second slot and has nothing to switch back to: the former version is rolled out again.
    """

    image: pulumi.Output[str]
    """The image that the pods run, with its digest."""

    content: pulumi.Output[str]
    """The hash over everything that defines the pods."""

    routed: pulumi.Output[str]
    """The Service's id, known once it and the Deployment stand as declared."""

    def __init__(self, name: str, args: RollingModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # A model that changes its strategy keeps its identity, so that its Service and its ServiceAccount stay the
        # objects that they are. Without it Pulumi would make them under a new URN and then delete those of the old.
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="mlplatform:index:Model")])
        opts = pulumi.ResourceOptions.merge(former, opts)
        super().__init__("mlplatform:index:RollingModel", name, {"model": args.model}, opts)
        self._args = args
        self._owner = owner_labels(team=args.team, environment=args.environment, name=args.model)
        self.image = pulumi.Output.from_input(args.content.image)
        account = self._create_service_account()
        running = self._create_workload(account)
        self.content = running.content
        self.routed = self._create_service(running).id
        self.register_outputs({"image": self.image, "content": self.content})

    def _create_service_account(self) -> Manifest:
        """Declare the identity of the model's pods: one a model, so that a cloud's permissions can be told apart."""
        return self._object(
            "v1:ServiceAccount",
            {"automountServiceAccountToken": False},
            pulumi.ResourceOptions(),
            annotations=self._args.identity or None,
        )

    def _create_workload(self, account: Manifest) -> Running:
        args = self._args
        work = Workload(
            model=args.model,
            place=ONLY,
            namespace=args.namespace,
            labels={**self._owner, **slot_selector(args.model, ONLY)},
            service_account=args.model,
            scale=args.scale,
            content=args.content,
            floor=args.floor,
            rollout=args.rollout,
            guard=args.guard,
        )
        # No pod is admitted before its ServiceAccount is there.
        return declare_workload(work, self, after=[account])

    def _create_service(self, running: Running) -> Manifest:
        """Declare the model's address: of the same name as that of a model with slots, whose callers it takes over."""
        args = self._args
        return self._object(
            "v1:Service",
            {"spec": service_spec(slot_selector(args.model, ONLY))},
            pulumi.ResourceOptions(
                depends_on=running.objects,
                hooks=guarded(f"gate:{args.namespace}/{args.model}", args.gate, creation=True),
            ),
            # Whether the pods answer is the guard's question, as for a model with slots.
            annotations={SKIP_AWAIT: "true", PATCH_FORCE: "true"},
        )

    def _object(
        self,
        kind: str,
        body: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        *,
        annotations: Mapping[str, str] | None = None,
    ) -> Manifest:
        args = self._args
        metadata: dict[str, Any] = {"name": args.model, "namespace": args.namespace, "labels": self._owner}
        if annotations is not None:
            metadata["annotations"] = annotations
        opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), opts)
        return Manifest(kind, f"{args.namespace}/{args.model}", {"metadata": metadata, **body}, opts)
