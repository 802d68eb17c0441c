"""The baseline standard's controls of what stands between a container and the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from policies.rules.pod_security.control import control, minor, settings, unless, wrong
from policies.rules.pods import containers_of
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policies.rules.pods import PodSpec
    from policies.rules.rule import Finding

__all__ = [
    "app_armor_profile",
    "capabilities_baseline",
    "proc_mount",
    "proc_mounts",
    "se_linux_options",
    "seccomp_profile_baseline",
    "seccomp_says",
    "sysctls",
]

_USUAL_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_PROFILES = ("RuntimeDefault", "Localhost")
_SE_LINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
# Each safe sysctl, and the first version that has it so.
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced": "1.0",
    "net.ipv4.ip_local_port_range": "1.0",
    "net.ipv4.tcp_syncookies": "1.0",
    "net.ipv4.ping_group_range": "1.0",
    "net.ipv4.ip_unprivileged_port_start": "1.0",
    "net.ipv4.ip_local_reserved_ports": "1.27",
    "net.ipv4.tcp_keepalive_time": "1.29",
    "net.ipv4.tcp_fin_timeout": "1.29",
    "net.ipv4.tcp_keepalive_intvl": "1.29",
    "net.ipv4.tcp_keepalive_probes": "1.29",
    "net.ipv4.tcp_rmem": "1.32",
    "net.ipv4.tcp_wmem": "1.32",
}


@control(
    upstream="appArmorProfile",
    level="baseline",
    severity="high",
    reason="Without the container runtime's AppArmor profile, files and mounts of the kernel are open",
    remedy="Leave appArmorProfile out, or set its type to RuntimeDefault or Localhost.",
)
def app_armor_profile(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No AppArmor profile but the runtime's own or a local one, by field or by annotation."""
    del version
    for place in settings(spec, "appArmorProfile"):
        if place.values is not None:
            yield from wrong(
                place.at("type"), lambda value: None if value in _PROFILES else f'AppArmor profile "{value}"'
            )
    yield from _annotations(
        spec, _APP_ARMOR, lambda value: value in ("", "runtime/default") or value.startswith("localhost/")
    )


@control(
    upstream="capabilities_baseline",
    level="baseline",
    severity="critical",
    reason="A capability beyond the usual set, such as SYS_ADMIN, is a part of root on the node",
    remedy="Remove it from securityContext.capabilities.add.",
)
def capabilities_baseline(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No capability beyond those that container runtimes give by default."""
    del version
    for container in containers_of(spec):
        for value in items(look(container.values, "securityContext", "capabilities", "add")):
            if value is UNKNOWN:
                yield container.unknown("securityContext", "capabilities", "add")
            elif value not in _USUAL_CAPABILITIES:
                yield container.finding(f"adds the capability {value}")


def proc_mounts(spec: PodSpec) -> Iterator[Finding]:
    """Find containers that see what the runtime hides of /proc."""
    for container in containers_of(spec):
        yield from wrong(
            container.at("securityContext", "procMount"),
            lambda value: None if value in (None, "Default") else f"mounts /proc {value}",
        )


@control(
    upstream="procMount",
    level="baseline",
    severity="high",
    reason="An unmasked /proc shows and changes the kernel's own state",
    remedy="Remove securityContext.procMount, or run the pod in a user namespace (hostUsers: false).",
)
def proc_mount(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No unmasked /proc; since 1.35 a pod in a user namespace may have one."""
    found = proc_mounts(spec)
    yield from unless(spec, ("hostUsers",), value=False, found=found) if version >= 35 else found  # noqa: PLR2004


@control(
    upstream="seLinuxOptions",
    level="baseline",
    severity="high",
    reason="Another SELinux user, role or type lifts the separation from the node and from other pods",
    remedy="Remove seLinuxOptions.user and .role, and every type but the container ones.",
)
def se_linux_options(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No SELinux user or role, and only the types that are made for containers."""
    allowed = _SE_LINUX_TYPES | ({"container_engine_t"} if version >= 31 else set())  # noqa: PLR2004
    for place in settings(spec, "seLinuxOptions"):
        for key in ("user", "role"):
            yield from wrong(place.at(key), lambda value: f'SELinux names "{value}"' if value else None)
        yield from wrong(
            place.at("type"), lambda value: None if (value or "") in allowed else f'SELinux type "{value}"'
        )


def seccomp_says(held: object, kind: object) -> str | None:
    """Say what is wrong with a seccomp profile that is there."""
    return None if held is None or kind in _PROFILES else f'seccomp profile "{kind}"'


@control(
    upstream="seccompProfile_baseline",
    level="baseline",
    severity="high",
    reason="Without a seccomp profile every system call is open, also those that break out",
    remedy="Leave seccompProfile out, or set its type to RuntimeDefault or Localhost.",
)
def seccomp_profile_baseline(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No seccomp profile but the runtime's own or a local one; before 1.19 by annotation."""
    if version >= 19:  # noqa: PLR2004
        for place in settings(spec, "seccompProfile"):
            yield from wrong(place.at("type"), partial(seccomp_says, place.values))
        return
    names = {look(container.values, "name") for container in containers_of(spec)}
    allowed = ("runtime/default", "docker/default")
    for prefix in (_SECCOMP_POD, *(f"{_SECCOMP_CONTAINER}{name}" for name in names if isinstance(name, str))):
        yield from _annotations(
            spec, prefix, lambda value: value in allowed or value.startswith("localhost/"), whole=True
        )


def _annotations(
    spec: PodSpec, prefix: str, allowed: Callable[[str], bool], *, whole: bool = False
) -> Iterator[Finding]:
    """Judge the values of the annotations of this name, or whose names begin so."""
    held = look(spec.metadata, "annotations")
    path = f"{spec.path.removesuffix('spec')}metadata.annotations"
    if not isinstance(held, Mapping):
        return  # an unknown mapping would say "not checked" of every pod, for a field that was replaced in 1.30
    for name, value in held.items():
        if name != prefix if whole else not name.startswith(prefix):
            continue
        if value is UNKNOWN:
            yield spec.unknown()
        elif not allowed(str(value)):
            yield type(spec)(path=f'{path}["{name}"]', values=value).finding(f'profile "{value}"')


@control(
    upstream="sysctls",
    level="baseline",
    severity="high",
    reason="An unsafe sysctl reaches past its pod: it slows or stops all that runs on the node",
    remedy="Remove it from securityContext.sysctls, or set it on the node.",
)
def sysctls(spec: PodSpec, version: int) -> Iterator[Finding]:
    """No sysctl but the safe ones."""
    allowed = {name for name, since in _SAFE_SYSCTLS.items() if version >= minor(since)}
    for index, value in enumerate(items(look(spec.values, "securityContext", "sysctls"))):
        yield from wrong(
            type(spec)(path=f"{spec.path}.securityContext.sysctls[{index}]", values=look(value, "name")),
            lambda name: None if name in allowed else f'sets the sysctl "{name}"',
        )
