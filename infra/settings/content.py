"""What the pods of one version need: the keys that may stand in a model and in a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, Field

from infra.settings.checked import Matching
from infra.settings.duration import duration
from infra.settings.errors import quote
from infra.settings.image import Build, ImageReference
from infra.settings.quantity import CpuQuantity, MemoryQuantity
from infra.settings.smoke import Smoke
from infra.settings.values import EnvName, FrozenMap, Name, Section, Text, UrlPath, empty

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Contents",
    "Port",
    "Probes",
    "Resources",
    "SlotContent",
    "SlotResources",
    "StartProbe",
    "Version",
    "VolumeMount",
    "overlaid",
]

_SectionT = TypeVar("_SectionT", bound=Section)

Port = Annotated[int, Field(ge=1, le=65535)]


class Resources(Section):
    """What one pod asks for.

    The limit of memory and of GPUs is the request, so that a pod has what it was promised; CPU has a limit only where
    one is given, since a limit slows a pod down on a node that is idle.
    """

    cpu: CpuQuantity = "500m"
    """Cores. Half of one: enough for a small model in Python, and eight of them fit on the usual node of four cores
    beside what the node itself needs. Kubernetes has no default, and an autoscaler cannot count in percent of nothing.

    Upstream: container `resources.requests.cpu`.
    Example: `cpu: "2"`
    """

    memory: MemoryQuantity = "1Gi"
    """Memory, as request and as limit. 1 GiB holds an interpreter with its libraries (about 300 MiB) and a small model.

    Upstream: container `resources.requests.memory` and `resources.limits.memory`.
    Example: `memory: 4Gi`
    """

    gpu: Annotated[int, Field(ge=0, le=16)] = 0
    """Whole GPUs (`nvidia.com/gpu`), none by default since they cost most. No node type has more than 16.

    Upstream: container `resources.limits["nvidia.com/gpu"]`.
    Example: `gpu: 1`
    """

    cpu_limit: CpuQuantity | None = None
    """The most CPU that a pod may take. None by default: idle cores of a node would be left unused while requests
    wait. Needed where the team's quota has `limits.cpu`.

    Upstream: container `resources.limits.cpu`.
    Example: `cpuLimit: "4"`
    """


class StartProbe(Section):
    """How a starting pod shows that it has loaded its model."""

    path: UrlPath | None = None
    """The path that is asked. By default the liveness probe's, since a startup probe holds that one back until it
    succeeds once.

    Default: `live`.
    Upstream: container `startupProbe.httpGet.path`.
    Example: `path: /health/started`
    """

    within: Annotated[int, duration("1s", "7d")] = 120
    """The time after which a pod that has not started is restarted. Loading a model of some GiB takes a minute or
    more; Kubernetes has no startup probe by default and would let the liveness probe kill it after 30 s.

    Upstream: container `startupProbe.failureThreshold` times `periodSeconds`.
    Example: `within: 10m`
    """


class Probes(Section):
    """Paths that the kubelet asks. The names are those of the API server's own endpoints."""

    ready: UrlPath = "/readyz"
    """Answers 2xx while requests may be sent.

    Upstream: container `readinessProbe.httpGet.path`.
    Example: `ready: /health/ready`
    """

    live: UrlPath = "/healthz"
    """Answers 2xx while the process can still recover by itself.

    Upstream: container `livenessProbe.httpGet.path`.
    Example: `live: /health/live`
    """

    start: StartProbe = StartProbe()
    """How a starting pod shows that it has loaded its model."""


# What every pod has already, or what would break it.
_TAKEN = ("/tmp", "/dev", "/proc", "/sys", "/var/run/secrets")  # noqa: S108  names, not files of ours


def _mount_path(value: str) -> str:
    allowed = "allowed: an absolute path in the container without ':' and '..', such as /models"
    if not value.startswith("/") or ":" in value or ".." in value.split("/") or any(map(str.isspace, value)):
        raise ValueError(f"bad path {quote(value)}; {allowed}")
    bare = value.rstrip("/") or "/"
    if bare == "/" or any(f"{bare}/".startswith(f"{taken}/") for taken in _TAKEN):
        raise ValueError(f"path {quote(value)} is taken in every pod; {allowed}")
    return bare


def _volume_name(value: str) -> str:
    if value == "tmp":
        raise ValueError('the name "tmp" is taken by every pod\'s own temporary files; choose another')
    return value


MountPath = Annotated[str, Matching(_mount_path, words="absolute path in the container", pattern=r"/[^:\s]+")]
VolumeName = Annotated[Name, AfterValidator(_volume_name)]


class VolumeMount(Section):
    """A PersistentVolumeClaim of the team's namespace, as a folder in every pod."""

    claim: Name
    """The claim's name. It is not made here: its data outlives every model.

    Upstream: pod `volumes[].persistentVolumeClaim.claimName`.
    Example: `claim: shared-models`
    """

    path: MountPath
    """Where the container sees it.

    Upstream: container `volumeMounts[].mountPath`.
    Example: `path: /models`
    """

    read_only: bool = True
    """Whether pods may only read. They may, by default: many pods share the claim, and a server has nothing to write
    there. Kubernetes' own default is false.

    Upstream: container `volumeMounts[].readOnly`.
    Example: `readOnly: false`
    """


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
