"""The restricted standard's controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rules.pod_security.control import control, settings, unless, wrong
from policies.rules.pod_security.kernel import proc_mounts, seccomp_says
from policies.rules.pods import containers_of
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from policies.rules.pods import Place, PodSpec
    from policies.rules.rule import Finding

    _Says = Callable[[object, object], str | None]

__all__ = [
    "allow_privilege_escalation",
    "capabilities_restricted",
    "proc_mount_restricted",
    "restricted_volumes",
    "run_as_non_root",
    "run_as_user",
    "seccomp_profile_restricted",
]

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_HOST_USERS = 35  # since this minor version a pod in a user namespace may be root there


def _unless_windows(spec: PodSpec, version: int, found: Iterable[Finding]) -> Iterator[Finding]:
    """Since 1.25 a pod that says that it runs on Windows need not set what only Linux has."""
    windows = version >= 25  # noqa: PLR2004
    return unless(spec, ("os", "name"), "windows", found) if windows else iter(found)


@control(
    upstream="allowPrivilegeEscalation",
    level="restricted",
    severity="high",
    reason="A set-user-ID program makes root of any user",
    remedy="Set securityContext.allowPrivilegeEscalation: false on every container.",
    since="1.8",
    requires=True,
)
def allow_privilege_escalation(spec: PodSpec, version: int) -> Iterator[Finding]:
    """Every container says that none of its processes may gain privileges."""
    yield from _unless_windows(
        spec,
        version,
        (
            finding
            for container in containers_of(spec)
            for finding in wrong(
                container.at("securityContext", "allowPrivilegeEscalation"),
                lambda value: None if value is False else "may gain privileges",
            )
        ),
    )


@control(
    upstream="capabilities_restricted",
    level="restricted",
    severity="high",
    reason="A model needs no part of root, and what it does not have nobody takes from it",
    remedy='Set securityContext.capabilities.drop: ["ALL"] on every container, and add NET_BIND_SERVICE at most.',
    since="1.22",
    requires=True,
)
def capabilities_restricted(spec: PodSpec, version: int) -> Iterator[Finding]:
    """Every container drops all capabilities, and takes back no more than binding to low ports."""
    yield from _unless_windows(spec, version, _capabilities(spec))


def _capabilities(spec: PodSpec) -> Iterator[Finding]:
    for container in containers_of(spec):
        dropped = items(look(container.values, "securityContext", "capabilities", "drop"))
        if "ALL" not in dropped:
            if UNKNOWN in dropped:
                yield container.unknown("securityContext", "capabilities", "drop")
            else:
                yield container.finding("keeps capabilities")
        for value in items(look(container.values, "securityContext", "capabilities", "add")):
            if value is UNKNOWN:
                yield container.unknown("securityContext", "capabilities", "add")
            elif value != "NET_BIND_SERVICE":
                yield container.finding(f"adds the capability {value}")


@control(
    upstream="procMount_restricted",
    level="restricted",
    severity="high",
    reason="An unmasked /proc shows and changes the kernel's own state",
    remedy="Remove securityContext.procMount.",
    since="1.35",
)
def proc_mount_restricted(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No unmasked /proc, in a user namespace neither."""
    del version
    yield from proc_mounts(spec)


@control(
    upstream="restrictedVolumes",
    level="restricted",
    severity="high",
    reason="A volume that a pod describes itself passes by who may make volumes, and by the storage's own rules",
    remedy="Mount a PersistentVolumeClaim, a ConfigMap, a Secret, an emptyDir, an image or a projected volume.",
)
def restricted_volumes(spec: PodSpec, version: int) -> Iterator[Finding]:
    """Only volumes of kinds that bring nothing of the node's and no storage of their own."""
    del version
    for index, volume in enumerate(items(look(spec.values, "volumes"))):
        place = type(spec)(path=f"{spec.path}.volumes[{index}]", values=volume)
        sources = _sources(volume)
        if volume is UNKNOWN or (UNKNOWN in sources.values() and not sources.keys() & _VOLUMES):
            yield place.unknown()
        # The API server makes an emptyDir of a volume without a source.
        elif sources and not sources.keys() & _VOLUMES:
            yield place.finding(f"is a volume of type {', '.join(sources)}")


def _sources(volume: object) -> dict[str, object]:
    if not isinstance(volume, dict):
        return {}
    return {key: held for key, held in volume.items() if key != "name" and held is not None}


@control(
    upstream="runAsNonRoot",
    level="restricted",
    severity="high",
    reason="Root in a container is root on the node once it breaks out",
    remedy="Set securityContext.runAsNonRoot: true on the pod or on every container.",
    requires=True,
)
def run_as_non_root(spec: PodSpec, version: int) -> Iterator[Finding]:
    """Nobody says that he may be root, and every container is forbidden it by itself or by its pod."""
    found = _inherited(
        spec,
        ("runAsNonRoot",),
        explicit=lambda _held, value: "may run as root (runAsNonRoot: false)" if value is not True else None,
        missing="may run as root (no runAsNonRoot: true)",
    )
    yield from unless(spec, ("hostUsers",), value=False, found=found) if version >= _HOST_USERS else found


@control(
    upstream="runAsUser",
    level="restricted",
    severity="high",
    reason="User 0 is root, and a node refuses to start it where runAsNonRoot stands beside it",
    remedy="Remove runAsUser: 0, or name another user.",
    since="1.23",
)
def run_as_user(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No user 0, neither of the pod nor of a container."""
    found = (
        finding
        for place in settings(spec, "runAsUser")
        for finding in wrong(
            place, lambda value: "runs as root" if value == 0 and not isinstance(value, bool) else None
        )
    )
    yield from unless(spec, ("hostUsers",), value=False, found=found) if version >= _HOST_USERS else found


@control(
    upstream="seccompProfile_restricted",
    level="restricted",
    severity="high",
    reason="Without a seccomp profile every system call is open, also those that break out",
    remedy="Set securityContext.seccompProfile.type to RuntimeDefault or Localhost on the pod or on every container.",
    since="1.19",
    requires=True,
)
def seccomp_profile_restricted(spec: PodSpec, version: int) -> Iterator[Finding]:
    """Every container has the runtime's seccomp profile or a local one, by itself or from its pod."""
    found = _inherited(
        spec,
        ("seccompProfile", "type"),
        explicit=seccomp_says,
        missing="has no seccomp profile",
        holder=("seccompProfile",),
    )
    yield from _unless_windows(spec, version, found)


def _inherited(
    spec: PodSpec, keys: tuple[str, ...], *, explicit: _Says, missing: str, holder: tuple[str, ...] | None = None
) -> Iterator[Finding]:
    """Judge what a container has of its own or else from its pod.

    Args:
        spec: the pod's specification.
        keys: where the value stands in a security context.
        explicit: says what is wrong with a value that is there, given what holds it and the value.
        missing: what is said of a container that has neither.
        holder: a value counts as there as soon as this is; what stands under `keys` by default.

    """
    pod = spec.at("securityContext", *keys)
    inherited = _said(spec, keys, explicit, holder or keys)
    yield from inherited or ()
    for container in containers_of(spec):
        own = _said(container, keys, explicit, holder or keys)
        if own is not None:
            yield from own
        elif pod.values is UNKNOWN:
            yield container.unknown("securityContext", *keys)
        elif inherited is None or inherited:
            yield container.finding(missing)


def _said(place: Place, keys: tuple[str, ...], explicit: _Says, holder: tuple[str, ...]) -> list[Finding] | None:
    """Tell what is wrong with a value, None where there is none."""
    held = place.at("securityContext", *holder)
    value = place.at("securityContext", *keys)
    if held.values is None:
        return None
    if value.values is UNKNOWN:
        return [value.unknown()]
    said = explicit(held.values, value.values)
    return [] if said is None else [value.finding(said)]
