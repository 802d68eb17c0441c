"""What the pods of one version need: the keys that may stand in a model and in a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field

from infra.settings.image import Build, ImageReference
from infra.settings.probes import Probes
from infra.settings.resources import Resources
from infra.settings.smoke import Smoke
from infra.settings.values import EnvName, FrozenMap, Name, Section, Text, empty
from infra.settings.volumes import VolumeMount, VolumeName

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Contents",
    "Port",
    "SlotContent",
    "SlotResources",
    "Version",
    "overlaid",
]

_SectionT = TypeVar("_SectionT", bound=Section)

Port = Annotated[int, Field(ge=1, le=65535)]


class Contents(Section):
    """What may stand in a model and, for this version alone, in a version; the version's wins."""

    env: FrozenMap[EnvName, Text] = Field(default_factory=empty)
    """Environment variables in plain text.

    Upstream: container `envFrom` (an immutable ConfigMap).
    Example: `env: {THRESHOLD: "0.5"}`
    """

    secret_env: FrozenMap[EnvName, Name] = Field(default_factory=empty)
    """Environment variables taken from secrets: variable to name in `ml-platform:secrets`.

    Upstream: container `env[].valueFrom.secretKeyRef` (an immutable Secret).
    Example: `secretEnv: {API_KEY: churn-api-key}`
    """

    volumes: FrozenMap[VolumeName, VolumeMount] = Field(default_factory=empty)
    """Claims that are mounted into every pod, by a name of your choice.

    Upstream: pod `volumes`.
    Example: `volumes: {models: {claim: shared-models, path: /models}}`
    """

    resources: Resources = Resources()
    """What one pod asks for."""

    probes: Probes = Probes()
    """How a pod says that it has started, is ready and is alive."""

    smoke: Smoke = Smoke()
    """One request that a slot must answer before users are sent to it."""


class Version(Contents):
    """One entry of the catalogue: an image by digest or a build, never changed once it has served."""

    image: ImageReference | None = None
    """The image, by digest: a tag can be moved, so that environments would run different images. Without a host it is
    the stack's registry's. Either this or `build`.

    Upstream: container `image`.
    Example: `image: churn@sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081`
    """

    build: Build | None = None
    """Built from a Dockerfile of this repository instead; the digest is known once it is pushed.

    Example: `build: {context: examples/iris, args: {VERSION: "8"}}`
    """

    port: Port | None = None
    """The port on which this version's container listens, where it is not the model's.

    Default: the model's `port`.
    Example: `port: 9090`
    """

    uri: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """Where the model's files come from, in the words of your registry of models: shown in the ledger (`pulumi stack
    output models`) and given to the pods as the variable MODEL_URI. None by default: an image may hold its model.

    Example: `uri: models:/churn/7`
    """


@dataclass(frozen=True, kw_only=True)
class SlotResources:
    """What one pod of a slot asks for, complete."""

    cpu: str
    memory: str
    gpu: int
    cpu_limit: str | None = None


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
    volumes: Mapping[str, VolumeMount]
    uri: str | None
    resources: SlotResources
    probes: Probes
    """Every path set, `start.path` included."""
    smoke: Smoke
    """`path` set."""


def overlaid(base: _SectionT, over: _SectionT) -> _SectionT:
    """Return `base` with every key that `over` was given; sections are merged key by key, values replaced whole."""
    update: dict[str, object] = {}
    for field in over.model_fields_set:
        value, below = getattr(over, field), getattr(base, field)
        both = isinstance(value, Section) and isinstance(below, Section)
        update[field] = overlaid(below, value) if both else value
    return base.model_copy(update=update)
