"""Claims that are mounted into every pod of a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from infra.settings.checked import Matching
from infra.settings.errors import quote
from infra.settings.values import Name, Section

__all__ = ["VolumeMount", "VolumeName"]

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
    """The claim's name: one of the team's `volumes`, one that another team shares with it, or one that somebody else
    has made. It is not made here, since its data outlives every model.

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
