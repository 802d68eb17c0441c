"""Rules about pods: each passes, fails, misses a field and meets an unknown value, on every kind with pods."""

# ruff: noqa: FBT003  (the wrong value of a field may be true)

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

import pytest

from policies.rules import RULES, UNKNOWN
from policies.rules.pods import POD_KINDS, SERVING_KINDS
from policies.rules.rollouts import SPREAD_KINDS

BY_ID = {rule.id: rule for rule in RULES}
# Rules that look into pods; where an object lives is no matter of its pods.
POD_RULES = [rule for rule in RULES if "Pod" in rule.kinds and not rule.across and rule.id != "no-default-namespace"]


def put(holder: dict[str, Any], path: str, value: Any) -> None:
    """Set, or with None remove, what stands under a dotted path; every list on it has one item."""
    *outer, last = path.split(".")
    inner: Any = holder
    for key in outer:
        inner = inner[0] if isinstance(inner, list) else inner
        inner = inner.setdefault(key, {})
    inner = inner[0] if isinstance(inner, list) else inner
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value


@dataclass(frozen=True)
class Case:
    """A field that a rule looks at: wrong values of it, and whether leaving it out is wrong too."""

    rule: str
    path: str
    wrong: tuple[Any, ...]
    says: str
    required: bool = False
    on: frozenset[str] = POD_KINDS


def required(rule: str, path: str, *wrong: Any, says: str, on: frozenset[str] = POD_KINDS) -> Case:
    """Make a case of a field that must be there."""
    return Case(rule, path, wrong, says, required=True, on=on)


def forbidden(rule: str, path: str, *wrong: Any, says: str) -> Case:
    """Make a case of a field that may be left out."""
    return Case(rule, path, wrong, says)


def variable(name: str, value: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value}]


SECURITY = "containers.securityContext"
DEVICE = {"requests": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": 1}, "limits": {"memory": "1Gi"}}
TWO_OF_ONE = {**DEVICE, "limits": {"memory": "1Gi", "nvidia.com/gpu": 2}}
NOBODY = [{"labelSelector": {"matchLabels": {"app": "another"}}}]
SAME = {"httpGet": {"path": "/readyz", "port": 8080}}
CASES = [
    required("requests-limits", "containers.resources.requests.cpu", "", says="no resources.requests.cpu"),
    required("requests-limits", "containers.resources.requests.memory", "", says="no resources.requests.memory"),
    required("requests-limits", "containers.resources.limits.memory", "", says="no resources.limits.memory"),
    required("requests-limits", "initContainers.resources.requests.cpu", "", says="no resources.requests.cpu"),
    required("probes", "containers.readinessProbe", {}, says="no readinessProbe", on=SERVING_KINDS),
    required("probes", "containers.livenessProbe", {}, says="no livenessProbe", on=SERVING_KINDS),
    required("requests-limits", "containers.resources", DEVICE, TWO_OF_ONE, says="nvidia.com/gpu|no resources"),
    required("probes", "containers.livenessProbe", SAME, says="gives up no later|no livenessProbe", on=SERVING_KINDS),
    required("spread", "topologySpreadConstraints", NOBODY, [{}], [], says="spreads|takes none", on=SPREAD_KINDS),
    required("priority-class", "priorityClassName", "", "other", says="allowed: standard"),
    forbidden("grace-period", "terminationGracePeriodSeconds", 0, 4, says="at least 5"),
    forbidden("grace-period", "containers.lifecycle.preStop.sleep.seconds", 26, says="the preStop sleep takes 26 s"),
    forbidden("image-registry", "containers.image", "churn:8", "other.example.com/churn:8", says="is from none of"),
    forbidden("image-registry", "initContainers.image", "registry.example.com/mlx/churn", says="is from none of"),
    required("image-digest", "containers.image", "churn", "churn:8", "churn@sha256:12", says="image"),
    required("image-digest", "initContainers.image", "churn:8", says="image"),
    required("image-digest", "ephemeralContainers.image", "churn:8", says="image"),
    forbidden("image-not-latest", "containers.image", "churn", "churn:latest", "host:50/churn", says="is latest"),
    forbidden("image-not-latest", "containers.image", f"churn:latest@sha256:{'1' * 64}", says="is latest"),
    forbidden("image-not-latest", "ephemeralContainers.image", "churn", says="is latest"),
    required("read-only-root", f"{SECURITY}.readOnlyRootFilesystem", False, "true", says="writable"),
    required("read-only-root", "initContainers.securityContext", {}, says="writable"),
    required("read-only-root", "ephemeralContainers.securityContext", {}, says="writable"),
    required("no-automount-token", "automountServiceAccountToken", True, says="token is mounted"),
    required("no-default-service-account", "serviceAccountName", "default", "", says="default service account"),
    forbidden("no-secret-in-env", "containers.env", variable("DB_PASSWORD", "x"), says="holds a secret"),
    forbidden("no-secret-in-env", "containers.env", variable("URL", "postgres://me:pw@db/x"), says="holds a secret"),
    forbidden("no-secret-in-env", "initContainers.env", variable("API_KEY", "x"), says="holds a secret"),
    forbidden("no-secret-in-env", "ephemeralContainers.env", variable("GITHUB_TOKEN", "x"), says="holds a secret"),
    forbidden("pss-host-namespaces", "hostNetwork", True, says="node's namespace"),
    forbidden("pss-host-namespaces", "hostPID", True, says="node's namespace"),
    forbidden("pss-host-namespaces", "hostIPC", True, says="node's namespace"),
    forbidden("pss-host-path-volumes", "volumes.hostPath", {"path": "/"}, {}, says="path of the node"),
    forbidden("pss-host-ports", "containers.ports.hostPort", 80, says="takes port 80 of the node"),
    forbidden("pss-host-probes-and-host-lifecycle", "containers.livenessProbe.httpGet.host", "db", says='host "db"'),
    forbidden("pss-host-probes-and-host-lifecycle", "containers.lifecycle.preStop.tcpSocket.host", "db", says="db"),
    forbidden("pss-privileged", f"{SECURITY}.privileged", True, says="runs privileged"),
    forbidden("pss-privileged", "ephemeralContainers.securityContext.privileged", True, says="runs privileged"),
    forbidden("pss-windows-host-process", "securityContext.windowsOptions.hostProcess", True, says="of the host"),
    forbidden("pss-windows-host-process", f"{SECURITY}.windowsOptions.hostProcess", True, says="of the host"),
    forbidden("pss-capabilities-baseline", f"{SECURITY}.capabilities.add", ["SYS_ADMIN"], says="SYS_ADMIN"),
    forbidden("pss-app-armor-profile", "securityContext.appArmorProfile", {"type": "Unconfined"}, says="Unconfined"),
    forbidden("pss-app-armor-profile", f"{SECURITY}.appArmorProfile", {"type": "Unconfined"}, says="Unconfined"),
    forbidden("pss-se-linux-options", "securityContext.seLinuxOptions.user", "root", says='names "root"'),
    forbidden("pss-se-linux-options", f"{SECURITY}.seLinuxOptions.role", "root", says='names "root"'),
    forbidden("pss-se-linux-options", f"{SECURITY}.seLinuxOptions.type", "spc_t", says='type "spc_t"'),
    forbidden("pss-seccomp-profile-baseline", f"{SECURITY}.seccompProfile", {"type": "Unconfined"}, says="Unconfined"),
    forbidden("pss-proc-mount", f"{SECURITY}.procMount", "Unmasked", says="mounts /proc Unmasked"),
    forbidden("pss-sysctls", "securityContext.sysctls", [{"name": "kernel.msgmax"}], says="kernel.msgmax"),
    required("pss-run-as-non-root", "securityContext.runAsNonRoot", False, says="may run as root"),
    forbidden("pss-run-as-non-root", f"{SECURITY}.runAsNonRoot", False, says="may run as root"),
    forbidden("pss-run-as-user", "securityContext.runAsUser", 0, says="runs as root"),
    forbidden("pss-run-as-user", f"{SECURITY}.runAsUser", 0, says="runs as root"),
    required("pss-allow-privilege-escalation", f"{SECURITY}.allowPrivilegeEscalation", True, says="gain privileges"),
    required("pss-capabilities-restricted", f"{SECURITY}.capabilities.drop", [], ["NET_RAW"], says="keeps cap"),
    forbidden("pss-capabilities-restricted", f"{SECURITY}.capabilities.add", ["CHOWN"], says="CHOWN"),
    required("pss-seccomp-profile-restricted", "securityContext.seccompProfile.type", "Unconfined", says="seccomp"),
    forbidden("pss-restricted-volumes", "volumes", [{"name": "a", "nfs": {}}], says="type nfs"),
    forbidden("pss-proc-mount-restricted", f"{SECURITY}.procMount", "Unmasked", says="mounts /proc Unmasked"),
]
OF_THE_POD = {
    "no-automount-token",
    "no-default-service-account",
    "priority-class",
    "pss-host-namespaces",
    "pss-host-path-volumes",
    "pss-sysctls",
    "pss-restricted-volumes",
}
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.path}")
pod_rules = pytest.mark.parametrize("rule", POD_RULES, ids=lambda rule: rule.id)


def applies(case: Case, kind: str) -> bool:
    return kind in case.on


@pod_rules
def test_a_pod_that_breaks_no_rule_passes(rule, kinds, pod, make, told):
    for kind in kinds:
        assert told(rule, make(kind, pod)) == []


@cases
def test_a_wrong_value_is_found(case, kinds, pod, make, told):
    for wrong in case.wrong:
        spoilt = copy.deepcopy(pod)
        put(spoilt, case.path, wrong)
        for kind in kinds:
            found = told(BY_ID[case.rule], make(kind, spoilt))
            assert bool(found) is applies(case, kind), kind
            assert all(re.search(case.says, line) for line in found)


@cases
def test_a_missing_field_is_found_where_it_is_required(case, kinds, pod, make, told):
    put(pod, case.path, None)
    for kind in kinds:
        found = told(BY_ID[case.rule], make(kind, pod))
        assert bool(found) is (case.required and applies(case, kind)), kind


@cases
def test_an_unknown_value_is_reported_as_not_checked(case, kinds, pod, make, told):
    put(pod, case.path, UNKNOWN)
    for kind in kinds:
        found = told(BY_ID[case.rule], make(kind, pod))
        assert bool(found) is applies(case, kind), kind
        assert all(line.endswith("?") for line in found)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.path.startswith("containers.") and case.rule != "grace-period"],
    ids=lambda case: f"{case.rule}-{case.path}",
)
def test_every_container_is_judged_whatever_the_one_before_it_is_like(case, pod, make, told):
    every = []
    for name, value in {"later": UNKNOWN, "without": None, "wrong": case.wrong[0]}.items():
        one = copy.deepcopy(pod)
        put(one, case.path, value)
        every.append(one["containers"][0] | {"name": name})
    found = told(BY_ID[case.rule], make("Deployment", pod | {"containers": every}))
    where = [line.partition('"]')[0].rpartition('["')[2] for line in found]
    assert list(dict.fromkeys(where)) == ["later", *["without"] * case.required, "wrong"]


@pytest.mark.parametrize("case", [case for case in CASES if "RayCluster" in case.on], ids=lambda case: case.rule)
def test_every_pod_of_an_object_is_judged_whatever_the_one_before_it_is_like(case, pod, told):
    put(pod, case.path, case.wrong[0])
    groups = [
        {"template": UNKNOWN},
        {"template": {"metadata": {"labels": {"app.kubernetes.io/name": "churn"}}, "spec": pod}},
    ]
    found = told(BY_ID[case.rule], {"kind": "RayCluster", "spec": {"workerGroupSpecs": groups}})
    places = dict.fromkeys((line.partition(".template")[0], line.endswith("?")) for line in found)
    assert list(places) == [("spec.workerGroupSpecs[0]", True), ("spec.workerGroupSpecs[1]", False)]


@pod_rules
def test_an_unknown_pod_is_reported_as_not_checked(rule, kinds, make, told):
    for kind in kinds:
        found = told(rule, make(kind, UNKNOWN))
        assert bool(found) is (kind in rule.kinds), kind
        assert all(line.endswith("?") for line in found)


@pod_rules
def test_unknown_containers_are_reported_as_not_checked(rule, kinds, pod, make, told):
    of_the_pod_alone = rule.id in OF_THE_POD
    pod["containers"] = UNKNOWN
    for kind in kinds:
        found = told(rule, make(kind, pod))
        assert bool(found) is (kind in rule.kinds and not of_the_pod_alone), kind
        assert all(line.endswith("?") for line in found)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("registry.example.com/ml/churn:8", "registry.example.com/ml/"),
        ("registry:5000/churn", "registry:5000"),
        ("localhost/churn", "localhost"),
        ("ml/churn", "docker.io/ml"),
        ("churn", "docker.io/library"),
    ],
)
def test_an_image_is_from_the_registry_that_a_container_runtime_would_ask(image, registry, told):
    pod = {"kind": "Pod", "spec": {"containers": [{"image": image}]}}
    assert told(BY_ID["image-registry"], pod, chosen={"registries": ["other.example.com", registry]}) == []
    assert told(BY_ID["image-registry"], pod, chosen={"registries": ["ml", "registry.example.com/m", "docker.io/m"]})


@pytest.mark.parametrize(
    ("live", "ready", "hasty"),
    [
        ({}, {}, True),
        ({"failureThreshold": 4}, {}, False),
        ({"failureThreshold": 2}, {}, True),
        ({"periodSeconds": 11}, {}, False),
        ({"periodSeconds": 9}, {}, True),
        ({"periodSeconds": 10, "failureThreshold": 3}, {}, True),
        ({}, {"periodSeconds": 10, "failureThreshold": 3}, True),
        ({}, {"periodSeconds": 9, "failureThreshold": 3}, False),
        ({"periodSeconds": 10, "failureThreshold": 3}, {"failureThreshold": 2}, False),
        ({"periodSeconds": 11, "failureThreshold": 3}, {}, False),
        ({"periodSeconds": 30, "failureThreshold": 2}, {}, False),
        ({"periodSeconds": 20, "failureThreshold": 1}, {}, True),
        ({"periodSeconds": UNKNOWN}, {}, None),
        ({}, {"failureThreshold": UNKNOWN}, None),
        ({"httpGet": UNKNOWN}, {"httpGet": UNKNOWN}, None),
        ({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": UNKNOWN}, {}, False),
    ],
)
def test_liveness_that_asks_the_same_gives_up_later(live, ready, hasty, told):
    container = {"livenessProbe": SAME | live, "readinessProbe": SAME | ready}
    found = told(BY_ID["probes"], {"kind": "Pod", "spec": {"containers": [container]}})
    assert [line.endswith("?") for line in found] == ([] if hasty is False else [hasty is None])


@pytest.mark.parametrize("account", ["model", "default", UNKNOWN])
def test_the_former_name_of_the_field_of_a_pods_account_counts_too(account, kinds, pod, make, told):
    present = {
        kind: told(BY_ID["no-default-service-account"], make(kind, pod | {"serviceAccountName": account}))
        for kind in kinds
    }
    del pod["serviceAccountName"]
    for kind in kinds:
        assert told(BY_ID["no-default-service-account"], make(kind, pod | {"serviceAccount": account})) == present[kind]


@pytest.mark.parametrize("junk", [None, [], {}, "text", 3, [None], {"containers": 3}, {"containers": [None, 3, "x"]}])
def test_nonsense_raises_nothing(junk, kinds, make, told):
    for rule in RULES:
        for kind in kinds:
            assert isinstance(told(rule, make(kind, junk)), list)


def test_every_container_is_named_in_its_own_finding(kinds, pod, make, told, where):
    for containers in ("initContainers", "containers"):
        del pod[containers][0]["resources"]
    for kind in kinds:
        found = told(BY_ID["requests-limits"], make(kind, pod))
        assert [line.split(": ")[0] for line in found] == [
            f'{where(kind)}.initContainers["fetch"]',
            f'{where(kind)}.containers["model"]',
        ]


def test_a_list_is_checked_item_by_item(kinds, pod, make, told, where):
    pod["automountServiceAccountToken"] = True
    kind = kinds[-1]
    listed = {"apiVersion": "v1", "kind": "List", "items": [make(kind, pod), UNKNOWN, make(kind, pod)]}
    found = told(BY_ID["no-automount-token"], listed, "kubernetes:core/v1:List")
    assert [line.split(": ")[0] for line in found] == [
        f"items[{index}].{where(kind)}.automountServiceAccountToken" for index in (0, 2)
    ]


def test_a_typed_lists_items_need_not_name_their_kind(pod, told):
    pod["automountServiceAccountToken"] = True
    item = {"spec": {"template": {"spec": pod}}}
    found = told(
        BY_ID["no-automount-token"], {"kind": "DeploymentList", "items": [item]}, "kubernetes:apps/v1:DeploymentList"
    )
    assert found == ["items[0].spec.template.spec.automountServiceAccountToken: an API token is mounted"]


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "Deployment" in rule.kinds and not rule.across], ids=lambda rule: rule.id
)
def test_a_patch_need_not_hold_what_it_does_not_change(rule, told):
    patch = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "model"}]}}}}
    assert told(rule, patch, "kubernetes:apps/v1:DeploymentPatch") == []


def test_a_patch_must_not_bring_what_is_forbidden(told):
    patch = {"kind": "Deployment", "spec": {"template": {"spec": {"hostNetwork": True}}}}
    assert told(BY_ID["pss-host-namespaces"], patch, "kubernetes:apps/v1:DeploymentPatch") == [
        "spec.template.spec.hostNetwork: shares the node's namespace"
    ]


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_pod_that_ends_by_itself_needs_no_probes(policy, pod, make, told):
    del pod["containers"][0]["readinessProbe"]
    pod["restartPolicy"] = policy
    assert told(BY_ID["probes"], make("Pod", pod)) == []


def test_ephemeral_containers_cannot_have_resources_or_probes(kinds, pod, make, told):
    pod["ephemeralContainers"] = [
        {key: pod["containers"][0][key] for key in ("name", "image", "securityContext")},
    ]
    for kind in kinds:
        for rule in ("requests-limits", "probes"):
            assert told(BY_ID[rule], make(kind, pod)) == []


def test_a_container_may_say_for_itself_that_it_is_not_root(kinds, pod, make, told):
    del pod["securityContext"]
    for containers in ("initContainers", "containers", "ephemeralContainers"):
        pod[containers][0]["securityContext"]["runAsNonRoot"] = True
    for kind in kinds:
        assert told(BY_ID["pss-run-as-non-root"], make(kind, pod)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "512"),
        ("SORT_KEY", "name"),
        ("TOKEN_URL", "https://example.com/token"),
        ("PASSWORD", ""),
        ("DATABASE", "postgres://db/x"),
        ("SECRETARY", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/cloud/service-account.json"),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"),
        ("DB_PASSWORD", "$(PASSWORD_OF_DB)"),
    ],
)
def test_what_only_sounds_like_a_secret_passes(name, value, pod, make, told):
    pod["containers"][0]["env"] = [{"name": name, "value": value}]
    assert told(BY_ID["no-secret-in-env"], make("Deployment", pod)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ("KEY", "AKIA" + "A" * 16),
        ("KEY", "ghp_" + "a" * 36),
        ("KEY", "hf_" + "a" * 34),
        ("db-password", "x"),
        ("TOKEN", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("DB_PASSWORD", "/a b"),
        ("DB_PASSWORD", "yes and no"),
        ("TOKEN_FILE", "/x -----BEGIN PRIVATE KEY-----"),
    ],
)
def test_a_secret_is_found_by_name_or_value_and_never_shown(name, value, pod, make, told):
    pod["containers"][0]["env"] = [{"name": name, "value": value}]
    [found] = told(BY_ID["no-secret-in-env"], make("Deployment", pod))
    assert found.endswith(f'the variable "{name}" holds a secret in plain text')


@pytest.mark.parametrize(
    ("request_", "limit", "expected"),
    [
        (1, 1, None),
        (None, 1, None),
        ("1000m", 1, None),
        (1, 2, ": requests 1 of nvidia.com/gpu, and its limit is 2"),
        (1, None, ": requests 1 of nvidia.com/gpu, and its limit is missing"),
        (UNKNOWN, 1, ".resources.limits.nvidia.com/gpu?"),
        (1, UNKNOWN, ".resources.limits.nvidia.com/gpu?"),
        (None, UNKNOWN, ".resources.limits.nvidia.com/gpu?"),
    ],
)
def test_a_device_has_a_limit_that_is_its_request(request_, limit, expected, pod, told):
    given = pod["containers"][0]["resources"]
    for part, value in {"requests": request_, "limits": limit}.items():
        if value is not None:
            given[part]["nvidia.com/gpu"] = value
    found = told(BY_ID["requests-limits"], {"kind": "Pod", "spec": {"containers": [{"name": "a", "resources": given}]}})
    assert found == ([] if expected is None else [f'spec.containers["a"]{expected}'])


@pytest.mark.parametrize("name", [None, UNKNOWN])
def test_a_container_whose_name_is_not_known_is_told_by_its_place(name, told):
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "first", "image": "a"}, {"name": name, "image": "b"}]}}
    assert [line.partition(": ")[0] for line in told(BY_ID["image-digest"], pod)] == [
        'spec.containers["first"]',
        "spec.containers[1]",
    ]


@pytest.mark.parametrize(("held", "named"), [("other", '"other"'), (None, "no class"), ("", "no class")])
def test_a_priority_class_that_is_not_allowed_is_named(held, named, told):
    assert told(BY_ID["priority-class"], {"kind": "Pod", "spec": {"priorityClassName": held}}) == [
        f"spec.priorityClassName: names {named}; allowed: standard"
    ]


@pytest.mark.parametrize("variable", [{"name": UNKNOWN, "value": "x"}, {"name": "TOKEN", "value": UNKNOWN}, UNKNOWN])
def test_a_variable_of_which_a_part_is_not_known_is_not_checked(variable, told):
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "a", "env": [variable, {"name": "TOKEN", "value": "x"}]}]}}
    assert told(BY_ID["no-secret-in-env"], pod) == [
        'spec.containers["a"].env?',
        'spec.containers["a"]: the variable "TOKEN" holds a secret in plain text',
    ]
