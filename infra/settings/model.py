"""A model: its catalogue of versions, its two slots, the switch, and what its pods need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import Field

from infra.settings.image import Build, ImageReference
from infra.settings.quantity import CpuQuantity, MemoryQuantity
from infra.settings.values import (
    EnvName,
    FrozenMap,
    Host,
    Json,
    Name,
    Seconds,
    Section,
    Text,
    UrlPath,
    VersionName,
    empty,
    frozen,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SLOTS",
    "Expect",
    "Idle",
    "Model",
    "Probes",
    "Resources",
    "Route",
    "Scale",
    "SlotContent",
    "SlotName",
    "SlotResources",
    "Slots",
    "Smoke",
    "StartProbe",
    "Version",
]

SlotName = Literal["blue", "green"]
SLOTS: tuple[SlotName, SlotName] = ("blue", "green")

Port = Annotated[int, Field(ge=1, le=65535)]
HttpStatus = Annotated[int, Field(ge=200, le=599)]

_SectionT = TypeVar("_SectionT", bound=Section)


class Resources(Section):
    """What one pod asks for. Only the user knows it, so there is no default: model and version together name it."""

    cpu: CpuQuantity | None = None
    memory: MemoryQuantity | None = None
    gpu: Annotated[int, Field(ge=0, le=16)] | None = None
    """Whole GPUs (`nvidia.com/gpu`), none by default. No node type has more than 16."""


class StartProbe(Section):
    """How a starting pod shows that it has loaded its model."""

    path: UrlPath | None = None
    """By default the liveness probe's path, since a startup probe holds that one back until it succeeds once."""

    within: Seconds = 120
    """Seconds until a pod that has not started is restarted. Loading a model of some GiB takes a minute or more;
    Kubernetes has no startup probe by default and would let the liveness probe kill it after 30 s."""


class Probes(Section):
    """Paths that the kubelet asks. The names are those of the API server's own endpoints."""

    ready: UrlPath = "/readyz"
    live: UrlPath = "/healthz"
    start: StartProbe = StartProbe()


class Expect(Section):
    """What the answer to the smoke request must be."""

    status: HttpStatus = 200
    json_: Annotated[Json, Field(alias="json")] = None
    """What the body, decoded, must contain: every key named here with this value; others are free. None: any body."""


class Smoke(Section):
    """One request that a slot must answer before users are sent to it."""

    path: UrlPath | None = None
    """By default the readiness path: no prediction, but asked through the slot's Service it proves the port."""

    body: Json = None
    """Sent as JSON by POST; without one the request is a GET."""

    expect: Expect = Expect()

    within: Annotated[int, Field(ge=1, le=60)] = 10
    """Seconds for one answer. The API server's service proxy, which carries it, ends a request after 60 s."""


class Contents(Section):
    """What may stand in a model and, for this version alone, in a version; the version's wins."""

    env: FrozenMap[EnvName, Text] = Field(default_factory=empty)
    secret_env: FrozenMap[EnvName, Name] = Field(default_factory=empty)
    """Environment variables taken from secrets: variable to name in `ml-platform:secrets`."""
    resources: Resources = Resources()
    probes: Probes = Probes()
    smoke: Smoke = Smoke()


class Version(Contents):
    """One entry of the catalogue: an image by digest or a build, never changed once it has served."""

    image: ImageReference | None = None
    build: Build | None = None
    port: Port | None = None


class Slots(Section):
    """Which version stands in which slot; an empty slot has none."""

    blue: VersionName | None = None
    green: VersionName | None = None

    def version(self, slot: SlotName) -> str | None:
        """Return the version in this slot, or None where it is empty."""
        return self.blue if slot == "blue" else self.green


class Scale(Section):
    """The HorizontalPodAutoscaler of each slot."""

    min: Annotated[int, Field(ge=1)] = 2
    """`minReplicas`. Two, since one pod is gone whenever its node is; upstream's default is 1."""

    max: Annotated[int, Field(ge=1)]
    """`maxReplicas`: what a slot may cost at most, so there is no default."""

    cpu: Annotated[int, Field(ge=1, le=100)] = 80
    """Average CPU in percent of the request. 80 is upstream's default for an autoscaler without metrics."""


class Idle(Section):
    """What the slot that does not serve keeps."""

    soak: Annotated[int, Field(ge=0, le=604_800)] = 600
    """Seconds after a switch in which the former slot keeps its size, so that going back is as fast. Ten minutes:
    two rounds of an alert that looks at five."""


class Route(Section):
    """How users from outside reach the model."""

    host: Host
    tls: Name | None = None
    """Name of the TLS Secret in the team's namespace; None serves plain HTTP."""


@dataclass(frozen=True, kw_only=True)
class SlotResources:
    """What one pod of a slot asks for, complete."""

    cpu: str
    memory: str
    gpu: int


@dataclass(frozen=True, kw_only=True)
class SlotContent:
    """A slot's version with the model's keys merged in: all that its pods depend on, and nothing of the other slot."""

    version: str
    image: str | None
    """By digest, as the catalogue has it; None where `build` is set. `Settings.reference` adds the registry."""
    build: Build | None
    port: int
    env: Mapping[str, str]
    secret_env: Mapping[str, str]
    resources: SlotResources
    probes: Probes
    """Every path set, `start.path` included."""
    smoke: Smoke
    """`path` set."""


class Model(Contents):
    """A model of one team, in two slots of which one serves."""

    team: Name
    port: Port
    versions: FrozenMap[VersionName, Version]
    slots: Slots
    active: SlotName
    scale: Scale
    drain: Annotated[int, Field(ge=0, le=3600)] = 15
    """Seconds in which a pod that is to end still answers before it gets SIGTERM (a preStop sleep): longer than
    kube-proxy and gateways take to hear of it. Kubernetes has none, and requests get lost."""
    idle: Idle = Idle()
    route: Route | None = None

    @property
    def idle_slot(self) -> SlotName:
        """The slot that does not serve."""
        return "green" if self.active == "blue" else "blue"

    def content(self, slot: SlotName) -> SlotContent | None:
        """Return what this slot runs, or None where it is empty."""
        name = self.slots.version(slot)
        return None if name is None else self.content_of(name)

    def content_of(self, name: str) -> SlotContent:
        """Return what a slot with this version runs. Raises KeyError where the catalogue has no such version."""
        version = self.versions[name]
        resources = _overlaid(self.resources, version.resources)
        if resources.cpu is None or resources.memory is None:
            raise ValueError(f"version {name} has no resources")  # refused by `consistency` before anyone asks
        probes = _overlaid(self.probes, version.probes)
        start = probes.start.model_copy(update={"path": probes.start.path or probes.live})
        smoke = _overlaid(self.smoke, version.smoke)
        return SlotContent(
            version=name,
            image=version.image,
            build=version.build,
            port=self.port if version.port is None else version.port,
            env=frozen({**self.env, **version.env}),
            secret_env=frozen({**self.secret_env, **version.secret_env}),
            resources=SlotResources(cpu=resources.cpu, memory=resources.memory, gpu=resources.gpu or 0),
            probes=probes.model_copy(update={"start": start}),
            smoke=smoke.model_copy(update={"path": smoke.path or probes.ready}),
        )


def _overlaid(base: _SectionT, over: _SectionT) -> _SectionT:
    """Return `base` with every key that `over` was given; sections are merged key by key, values replaced whole."""
    update: dict[str, object] = {}
    for field in over.model_fields_set:
        value, below = getattr(over, field), getattr(base, field)
        both = isinstance(value, Section) and isinstance(below, Section)
        update[field] = _overlaid(below, value) if both else value
    return base.model_copy(update=update)
