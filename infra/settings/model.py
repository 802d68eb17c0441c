"""A model: its catalogue of versions, which of them serve, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.analysis import Analysis  # noqa: TC001  pydantic reads it
from infra.settings.content import Contents, Port, SlotContent, SlotResources, Version, overlaid
from infra.settings.duration import duration
from infra.settings.node_pool import LabelKey  # noqa: TC001  pydantic reads it
from infra.settings.placement import Placement
from infra.settings.scale import Scale
from infra.settings.strategy import Idle, Rollout, SlotName, Slots, Strategy
from infra.settings.traffic import Canary, Route  # noqa: TC001  pydantic reads them
from infra.settings.values import FrozenMap, Name, VersionName, empty, frozen

__all__ = ["Model", "SlotContent"]


class Model(Contents):
    """A model of one team: a catalogue of versions, and the one that serves."""

    team: Name
    """The team that owns the model; its pods run in the team's namespace.

    Example: `team: fraud`
    """

    strategy: Strategy = "blue-green"
    """How a new version takes over. `blue-green`: two slots and a switch that waits until the new one carries the load,
    and that goes back in seconds. `rolling`: one Deployment whose pods are replaced one by one, at half the cost.
    `recreate`: all pods end before the new ones start, for what cannot run twice. The first, since only it can be
    tried before users are on it.

    Upstream: Argo Rollouts `strategy`, Deployment `strategy.type`.
    Example: `strategy: rolling`
    """

    port: Port = 8080
    """The port on which the container listens. 8080, the usual one of a server without the right to use 80.

    Upstream: container `ports[].containerPort`.
    Example: `port: 8000`
    """

    versions: FrozenMap[VersionName, Version]
    """The catalogue, by name. Append-only: a version that has served is never changed.

    Example: `versions: {"7": {image: "churn@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081"}}`
    """

    slots: Slots = Slots()
    """Which version stands in which slot. For `blue-green` only, which needs one at least."""

    chosen: Annotated[SlotName | None, Field(alias="active")] = None
    """The slot that serves: the switch. Where one slot alone has a version it is that one. For `blue-green` only.

    Default: the only slot with a version.
    Example: `active: green`
    """

    version: VersionName | None = None
    """The version that serves. For `rolling` and `recreate` only, which need it.

    Default: none, since it changes with every release.
    Example: `version: "3"`
    """

    canary: Canary | None = None
    """What the idle slot gets of the requests, before a switch gives it all of them. For `blue-green` only."""

    idle: Idle = Idle()
    """What the slot that does not serve keeps. For `blue-green` only."""

    rollout: Rollout = Rollout()
    """How pods are replaced. For `rolling` and `recreate` only."""

    scale: Scale = Scale()
    """How many pods a slot has."""

    drain: Annotated[int, duration("0s", "1h")] = 15
    """The time in which a pod that is to end still answers before it gets SIGTERM: longer than kube-proxy and gateways
    take to hear of it. Kubernetes has none, and requests get lost.

    Upstream: container `lifecycle.preStop.sleep.seconds`.
    Example: `drain: 30s`
    """

    route: Route | None = None
    """How users from outside reach the model. None by default: pods of the cluster reach it by its Service."""

    identity: FrozenMap[LabelKey, Annotated[str, Field(min_length=1)]] = Field(default_factory=empty)
    """Annotations of the model's ServiceAccount, by which a cloud knows what its pods may do there. None by default:
    nothing; EKS Pod Identity and GKE know an account by its name and need none. With AKS' own, pods also bear the label
    that AKS asks for, so that the first one changes both slots' pods.

    Upstream: IAM Roles for Service Accounts, Workload Identity.
    Example: `identity: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/churn"}`
    """

    # Made afresh, since pydantic copies defaults and a read-only mapping inside cannot be copied.
    placement: Placement = Field(default_factory=Placement)
    """Where the pods run: on which nodes, and over what they are spread."""

    priority_class: Name | None = None
    """Who waits and who makes room when the cluster is full: a class of `ml-platform:priorityClasses`. None by default:
    as Kubernetes has it, priority 0, and ends nobody.

    Upstream: pod `priorityClassName`.
    Example: `priorityClass: serving`
    """

    analysis: Analysis | None = None
    """How `python -m rollout` judges a canary. By default by the defaults of its keys: what is not measured counts as
    failed anyway. For `blue-green` only."""

    @property
    def active(self) -> SlotName:
        """The slot that serves. Raises ValueError for a strategy without slots."""
        if self.chosen is not None:
            return self.chosen
        if self.slots.blue is not None:
            return "blue"
        if self.slots.green is not None:
            return "green"
        raise ValueError(f"a {self.strategy} model has no slots")

    @property
    def idle_slot(self) -> SlotName:
        """The slot that does not serve. Raises ValueError for a strategy without slots."""
        return "green" if self.active == "blue" else "blue"

    @property
    def serving(self) -> str:
        """The name of the version that serves."""
        name = self.version if self.strategy != "blue-green" else self.slots.version(self.active)
        if name is None:
            raise ValueError("no version serves")  # refused by `rules` before anyone asks
        return name

    def content(self, slot: SlotName) -> SlotContent | None:
        """Return what this slot runs, or None where it is empty."""
        name = self.slots.version(slot)
        return None if name is None else self.content_of(name)

    def content_of(self, name: str) -> SlotContent:
        """Return what a slot with this version runs. Raises KeyError where the catalogue has no such version."""
        version = self.versions[name]
        resources = overlaid(self.resources, version.resources)
        probes = overlaid(self.probes, version.probes)
        start = probes.start.model_copy(update={"path": probes.start.path or probes.live})
        smoke = overlaid(self.smoke, version.smoke)
        return SlotContent(
            version=name,
            image=version.image,
            build=version.build,
            port=self.port if version.port is None else version.port,
            env=frozen({**self.env, **version.env}),
            secret_env=frozen({**self.secret_env, **version.secret_env}),
            volumes=frozen({**self.volumes, **version.volumes}),
            uri=version.uri,
            resources=SlotResources(
                cpu=resources.cpu, memory=resources.memory, gpu=resources.gpu, cpu_limit=resources.cpu_limit
            ),
            probes=probes.model_copy(update={"start": start}),
            smoke=smoke.model_copy(update={"path": smoke.path or probes.ready}),
        )
