"""What a Pod Security Standard asks for depends on the version, and published pods do not show all of it."""

from __future__ import annotations

import pytest

from policies.rules import RULES, UNKNOWN
from policies.rules.pod_security import implied

BY_ID = {rule.id: rule for rule in RULES}
FROM = {
    "pss-host-path-volumes": "1.0",
    "pss-seccomp-profile-baseline": "1.19",
    "pss-capabilities-baseline": "1.22",
    "pss-proc-mount": "1.35",
}
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
ONE = "container.seccomp.security.alpha.kubernetes.io/"


@pytest.mark.parametrize("version", ["1.0", "1.18", "1.19", "1.21", "1.22", "1.34", "1.35", "1.36"])
def test_a_baseline_control_is_implied_from_the_version_on_that_has_a_stricter_one(version):
    def minor(text):
        return int(text.partition(".")[2])

    assert implied(version) == {rule for rule, since in FROM.items() if minor(since) <= minor(version)}


@pytest.mark.parametrize(
    ("rule", "since"),
    [
        ("pss-host-probes-and-host-lifecycle", 34),
        ("pss-allow-privilege-escalation", 8),
        ("pss-capabilities-restricted", 22),
        ("pss-proc-mount-restricted", 35),
        ("pss-run-as-user", 23),
        ("pss-seccomp-profile-restricted", 19),
        ("pss-run-as-non-root", 0),
    ],
)
def test_a_control_is_asked_for_from_a_version_on(rule, since, told):
    held = {"livenessProbe": {"httpGet": {"host": "db"}}, "securityContext": {"procMount": "Unmasked", "runAsUser": 0}}
    for version in range(40):
        found = told(
            BY_ID[rule], {"kind": "Pod", "spec": {"containers": [held]}}, chosen={"kubernetes": f"1.{version}"}
        )
        assert bool(found) is (version >= since), version


@pytest.mark.parametrize(("version", "allowed"), [("1.30", False), ("1.31", True), ("1.32", True)])
def test_the_container_engines_selinux_type_is_allowed_since_1_31(version, allowed, told):
    pod = {"kind": "Pod", "spec": {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}}
    assert (told(BY_ID["pss-se-linux-options"], pod, chosen={"kubernetes": version}) == []) is allowed


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({SECCOMP: "runtime/default"}, []),
        ({SECCOMP: "docker/default"}, []),
        ({SECCOMP: "localhost/mine"}, []),
        ({SECCOMP: "unconfined"}, [f'metadata.annotations["{SECCOMP}"]: profile "unconfined"']),
        ({f"{ONE}model": "unconfined"}, [f'metadata.annotations["{ONE}model"]: profile "unconfined"']),
        ({"another": "x", SECCOMP: "unconfined"}, [f'metadata.annotations["{SECCOMP}"]: profile "unconfined"']),
        ({f"{ONE}nobody": "unconfined"}, []),
        ({f"{SECCOMP}s": "unconfined"}, []),
        ({"another": "unconfined"}, []),
        ({SECCOMP: UNKNOWN}, ["spec?"]),
        (UNKNOWN, []),
        (None, []),
    ],
)
@pytest.mark.parametrize(("version", "asked"), [("1.18", True), ("1.19", False)])
def test_a_seccomp_profile_is_an_annotation_before_1_19(annotations, expected, version, asked, told):
    pod = {"kind": "Pod", "metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "model"}]}}
    found = told(BY_ID["pss-seccomp-profile-baseline"], pod, chosen={"kubernetes": version})
    assert found == (expected if asked else [])


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
    ],
)
def test_a_sysctl_is_safe_from_a_version_on(name, since, told):
    pod = {"kind": "Pod", "spec": {"securityContext": {"sysctls": [{"name": name}]}}}
    for version in range(40):
        found = told(BY_ID["pss-sysctls"], pod, chosen={"kubernetes": f"1.{version}"})
        assert (found == []) is (version >= since), version


ROOT = {"runAsNonRoot": False, "runAsUser": 0}


@pytest.mark.parametrize("rule", ["pss-run-as-non-root", "pss-run-as-user"])
@pytest.mark.parametrize(("version", "relaxed"), [("1.34", False), ("1.35", True), ("1.36", True)])
def test_a_pod_in_a_user_namespace_may_be_root_there_since_1_35(rule, version, relaxed, told):
    def said(**spec):
        pod = {"kind": "Pod", "spec": {"securityContext": ROOT, "containers": [{"name": "model"}], **spec}}
        return told(BY_ID[rule], pod, chosen={"kubernetes": version})

    wrong = said()
    assert wrong
    assert said(hostUsers=True) == wrong
    assert said(hostUsers=False) == ([] if relaxed else wrong)
    assert all(line.endswith("?") for line in said(hostUsers=UNKNOWN)) is relaxed


@pytest.mark.parametrize(
    ("rule", "since"),
    [
        ("pss-allow-privilege-escalation", 25),
        ("pss-capabilities-restricted", 25),
        ("pss-seccomp-profile-restricted", 25),
    ],
)
def test_a_pod_on_windows_need_not_set_what_linux_has_from_a_version_on(rule, since, told):
    for version in range(22, 40):
        for system, excused in {"windows": version >= since, "linux": False}.items():
            pod = {"kind": "Pod", "spec": {"os": {"name": system}, "containers": [{"name": "model"}]}}
            found = told(BY_ID[rule], pod, chosen={"kubernetes": f"1.{version}"})
            assert (found == []) is excused, (version, system)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"nfs": {}}, "is a volume of type nfs"),
        ({"nfs": UNKNOWN}, "?"),
        ({"emptyDir": UNKNOWN}, None),
        ({"emptyDir": {}}, None),
        (UNKNOWN, "?"),
    ],
)
def test_a_volume_whose_contents_are_not_known_is_of_its_kind(volume, expected, told):
    one = volume if volume is UNKNOWN else {"name": "a", **volume}
    found = told(BY_ID["pss-restricted-volumes"], {"kind": "Pod", "spec": {"volumes": [one]}})
    assert len(found) == (expected is not None)
    assert all(expected in line for line in found)
