"""What a version of a model is made of, before any of it becomes a manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

__all__ = ["MODEL_URI", "SCRATCH_PATH", "SCRATCH_VOLUME", "Placement", "Probes", "Resources", "SlotContent", "Volume"]

MODEL_URI = "MODEL_URI"
"""The variable in which a pod finds `uri`, as MLflow's own servers call it."""

SCRATCH_VOLUME = "tmp"
SCRATCH_PATH = "/tmp"  # noqa: S108  the container's own, an emptyDir


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one pod gets, in Kubernetes quantities."""

    cpu: str
    memory: str
    gpu: int = 0
    """Whole devices of `nvidia.com/gpu`."""

    cpu_limit: str | None = None
    """The most CPU that the pod may use; None for whatever the node has to spare."""


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Paths that answer 2xx on the served port."""

    ready: str
    """Answers while requests may be sent."""

    live: str
    """Answers while the process can still recover by itself."""

    start: str
    """Answers once the model is loaded."""

    start_within: int
    """Seconds that loading may take before the pod is started anew."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A claim that exists in the model's namespace, and where its files appear."""

    claim: str
    path: str

    read_only: bool = True
    """True, since a model reads its weights; several pods on several nodes may then share one claim."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """On which nodes pods stand, and how far apart."""

    spread: Literal["zone", "node", "none"] = "zone"
    """Over zones and the nodes in them, over nodes alone, or left to the scheduler."""

    node_pool: str | None = None
    """The only pool whose nodes will do: those with the label `ml-platform/node-pool`; its taint is tolerated."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Further labels that a node must have."""

    tolerations: Sequence[str] = ()
    """Taints that do not keep the pods away, as `kubectl taint` writes them: `key=value:effect`, `key:effect`."""


@dataclass(frozen=True, kw_only=True)
class SlotContent:
    """One version of a model with everything that it needs to run.

    Raises ValueError where two parts want the same variable, path or volume, TypeError for a secret that is an Output.
    """

    version: str
    image: pulumi.Input[str]
    """With its digest; an Output where the image is built by the same program."""

    port: int
    resources: Resources
    probes: Probes
    drain: int
    """Seconds that a pod goes on serving after it was told to go, while the news of it spreads to every proxy."""

    env: Mapping[str, str] = field(default_factory=dict)

    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Text, as a stack's configuration has it; marked secret before it reaches the engine. No Outputs: the Secret is
    named by its values, and Pulumi must know a resource's name before it runs (see `slot_environment`)."""

    uri: str | None = None
    """Where the model's weights come from, such as `models:/churn/7`; handed to the pod as MODEL_URI."""

    volumes: Mapping[str, Volume] = field(default_factory=dict)
    placement: Placement = Placement()

    priority_class: str | None = None
    """The PriorityClass that says whether the pods wait for room or others make it; None for the cluster's default."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the pods, for who finds them by these alone. The platform's own win."""

    def __post_init__(self) -> None:
        if late := sorted(name for name, value in self.secret_env.items() if not isinstance(value, str)):
            raise TypeError(f"version {self.version}: secretEnv: {', '.join(late)}: no text that is known by now")
        variables = [*self.env, *self.secret_env, *([] if self.uri is None else [MODEL_URI])]
        if twice := _repeated(variables):
            raise ValueError(f"version {self.version}: {', '.join(twice)} given twice in env, secretEnv and uri")
        if SCRATCH_VOLUME in self.volumes:
            raise ValueError(f'version {self.version}: volumes: "{SCRATCH_VOLUME}" is the pod\'s own')
        paths = [SCRATCH_PATH, *(volume.path.rstrip("/") for volume in self.volumes.values())]
        if twice := _repeated(paths):
            raise ValueError(f"version {self.version}: volumes: two at {', '.join(twice)}")

    @property
    def variables(self) -> dict[str, str]:
        """The plain variables of a pod, `uri` among them."""
        return dict(self.env) if self.uri is None else {**self.env, MODEL_URI: self.uri}


def _repeated(names: list[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
