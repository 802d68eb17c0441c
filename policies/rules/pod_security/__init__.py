"""The Pod Security Standards: every control of baseline and restricted, at any version up to the newest there is."""

from __future__ import annotations

from policies.rules.pod_security.baseline import (
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes_and_host_lifecycle,
    privileged,
    windows_host_process,
)
from policies.rules.pod_security.control import KUBERNETES, Level, minor
from policies.rules.pod_security.kernel import (
    app_armor_profile,
    capabilities_baseline,
    proc_mount,
    se_linux_options,
    seccomp_profile_baseline,
    sysctls,
)
from policies.rules.pod_security.restricted import (
    allow_privilege_escalation,
    capabilities_restricted,
    proc_mount_restricted,
    restricted_volumes,
    run_as_non_root,
    run_as_user,
    seccomp_profile_restricted,
)

__all__ = ["BASELINE", "KUBERNETES", "RESTRICTED", "Level", "implied", "minor"]

BASELINE = (
    privileged,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes_and_host_lifecycle,
    windows_host_process,
    capabilities_baseline,
    app_armor_profile,
    se_linux_options,
    seccomp_profile_baseline,
    proc_mount,
    sysctls,
)
RESTRICTED = (
    run_as_non_root,
    run_as_user,
    allow_privilege_escalation,
    capabilities_restricted,
    seccomp_profile_restricted,
    restricted_volumes,
    proc_mount_restricted,
)

# A baseline control, the first version whose restricted standard has a stricter one, and that one. Upstream calls
# it OverrideCheckIDs.
_IMPLIED = (
    (host_path_volumes, "1.0", restricted_volumes),
    (seccomp_profile_baseline, "1.19", seccomp_profile_restricted),
    (capabilities_baseline, "1.22", capabilities_restricted),
    (proc_mount, "1.35", proc_mount_restricted),
)


def implied(kubernetes: str) -> frozenset[str]:
    """Return the rules of which the restricted standard has a stricter one, so that one mistake is told once.

    A part of an object (a `*Patch`) is judged by both, since the stricter ones ask for what a part may leave out.
    """
    return frozenset(weaker.id for weaker, since, _stricter in _IMPLIED if minor(kubernetes) >= minor(since))
