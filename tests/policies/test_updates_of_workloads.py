"""Rules about a workload as a whole: how it is updated, spread and waited for."""

from __future__ import annotations

import pytest

from policies.rules import RULES, UNKNOWN

BY_ID = {rule.id: rule for rule in RULES}


def workload(spec, *, kind="Deployment", environment=None, annotations=None):
    labels = {"ml-platform/environment": environment} if environment else {}
    return {"kind": kind, "metadata": {"labels": labels, "annotations": annotations or {}}, "spec": spec}


def rolling(most, **more):
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": most}}, **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (None, []),
        (rolling("25%"), []),
        (rolling(1, replicas=3), []),
        (rolling(0), []),
        (rolling("100%"), ["spec.strategy.rollingUpdate.maxUnavailable: 100% lets every pod go at once"]),
        (rolling("99%"), []),
        (rolling(2, replicas=2), ["spec.strategy.rollingUpdate.maxUnavailable: 2 lets every pod go at once"]),
        (rolling(0, replicas=0), []),
        (rolling(1, replicas=0), []),
        (rolling(1, replicas=1), []),
        (rolling(1), []),
        (rolling("100%", replicas=1), ["spec.strategy.rollingUpdate.maxUnavailable: 100% lets every pod go at once"]),
        (rolling("150%"), ["spec.strategy.rollingUpdate.maxUnavailable: 150% lets every pod go at once"]),
        (rolling(3, replicas=2), ["spec.strategy.rollingUpdate.maxUnavailable: 3 lets every pod go at once"]),
        (rolling(3, replicas=3), ["spec.strategy.rollingUpdate.maxUnavailable: 3 lets every pod go at once"]),
        (
            {"strategy": {"type": "Recreate"}},
            ["spec.strategy.type: Recreate ends every pod before the first new one starts"],
        ),
        ({"strategy": UNKNOWN}, ["spec.strategy.type?"]),
        (rolling(UNKNOWN), ["spec.strategy.rollingUpdate.maxUnavailable?"]),
    ],
)
def test_an_update_must_leave_pods(spec, expected, told):
    assert told(BY_ID["rolling-strategy"], workload(spec)) == expected


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_what_is_only_updated_by_hand_never_is(kind, told):
    rule = BY_ID["rolling-strategy"]
    assert told(rule, workload({}, kind=kind)) == []
    assert told(rule, workload({"updateStrategy": {"type": "RollingUpdate"}}, kind=kind)) == []
    assert told(rule, workload({"updateStrategy": {"type": "OnDelete"}}, kind=kind)) == [
        "spec.updateStrategy.type: OnDelete never updates by itself"
    ]
    assert told(rule, workload({"updateStrategy": UNKNOWN}, kind=kind)) == ["spec.updateStrategy.type?"]


@pytest.mark.parametrize("rule", ["rolling-strategy", "spread"])
@pytest.mark.parametrize(("environment", "judged"), [("prod", True), (None, True), ("staging", False), ("dev", False)])
def test_an_environment_that_may_be_down_is_not_judged(rule, environment, judged, told):
    broken = workload({"strategy": {"type": "Recreate"}, "template": {"spec": {}}}, environment=environment)
    assert bool(told(BY_ID[rule], broken)) is judged
    assert told(BY_ID[rule], broken, chosen={"environments": ["dev", "staging", "prod"]}) != []


@pytest.mark.parametrize(
    ("pod", "broken"),
    [
        ({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}}, False),
        ({"affinity": {"nodeAffinity": {}}}, True),
        ({}, True),
    ],
)
def test_an_anti_affinity_spreads_as_well(pod, broken, told):
    assert bool(told(BY_ID["spread"], workload({"template": {"spec": pod}}))) is broken


@pytest.mark.parametrize(("replicas", "broken"), [(0, False), (1, False), (2, True), (None, True)])
def test_one_pod_has_nothing_to_be_spread_from(replicas, broken, told):
    spec = {"template": {"spec": {}}} | ({} if replicas is None else {"replicas": replicas})
    assert bool(told(BY_ID["spread"], workload(spec))) is broken


def starting(probe, **more):
    return {"template": {"spec": {"containers": [{"name": "model", "startupProbe": probe}]}}, **more}


TIMEOUT = "pulumi.com/timeoutSeconds"
SLOW = {"periodSeconds": 2, "failureThreshold": 300}


@pytest.mark.parametrize(
    ("spec", "annotations", "expected"),
    [
        ({}, {}, []),
        (None, {}, []),
        (starting(None), {}, []),
        (starting(None, progressDeadlineSeconds=1), {}, []),
        *(
            (spec, {}, ["spec.progressDeadlineSeconds: waits 0 s for pods that may take 0 s to start"])
            for spec in ({"progressDeadlineSeconds": 0}, starting(None, progressDeadlineSeconds=0))
        ),
        (starting(SLOW, progressDeadlineSeconds=601), {}, []),
        (starting(SLOW), {}, ["spec.progressDeadlineSeconds: waits 600 s for pods that may take 600 s to start"]),
        (
            starting(SLOW, progressDeadlineSeconds=620, minReadySeconds=30),
            {},
            ["spec.progressDeadlineSeconds: waits 620 s for pods that may take 630 s to start"],
        ),
        (
            starting({"initialDelaySeconds": 570}),
            {},
            ["spec.progressDeadlineSeconds: waits 600 s for pods that may take 600 s to start"],
        ),
        (
            starting({}),
            {TIMEOUT: "30"},
            [f'metadata.annotations["{TIMEOUT}"]: waits 30 s for pods that may take 30 s to start'],
        ),
        (starting({}), {TIMEOUT: "31"}, []),
        (starting({}), {TIMEOUT: "soon"}, []),
        (starting(UNKNOWN), {}, ['spec.template.spec.containers["model"].startupProbe?']),
        (starting({"periodSeconds": UNKNOWN}), {}, ['spec.template.spec.containers["model"].startupProbe?']),
        (starting({}, progressDeadlineSeconds=UNKNOWN), {}, ["spec.progressDeadlineSeconds?"]),
        (starting({}), {TIMEOUT: UNKNOWN}, [f'metadata.annotations["{TIMEOUT}"]?']),
    ],
)
def test_an_update_is_waited_for_longer_than_a_pod_may_take(spec, annotations, expected, told):
    assert told(BY_ID["await-longer-than-start"], workload(spec, annotations=annotations)) == expected


@pytest.mark.parametrize(
    ("liveness", "broken"),
    [
        ({"httpGet": {"path": "/ready", "port": 1}}, True),
        ({"httpGet": {"path": "/ready", "port": 1}, "periodSeconds": 5}, True),
        ({"httpGet": {"path": "/ready", "port": 1}, "failureThreshold": 4}, False),
        ({"httpGet": {"path": "/ready", "port": 1}, "failureThreshold": UNKNOWN}, True),
        ({"httpGet": {"path": "/alive", "port": 1}}, False),
        ({"tcpSocket": {"port": 1}}, False),
    ],
)
def test_liveness_may_ask_the_same_as_readiness_if_it_gives_up_later(liveness, broken, pod, make, told):
    pod["containers"][0] |= {"readinessProbe": {"httpGet": {"path": "/ready", "port": 1}}, "livenessProbe": liveness}
    assert bool(told(BY_ID["probes"], make("Deployment", pod))) is broken


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("registry.example.com/ml/churn:8", True),
        ("registry.example.com/mlx/churn:8", False),
        ("registry.example.com/ml", False),
        ("docker.io/library/python", False),
        ("localhost/churn", False),
    ],
)
def test_a_registry_is_compared_path_by_path(image, allowed, pod, make, told):
    pod["containers"][0]["image"] = image
    rule = BY_ID["image-registry"]
    assert (told(rule, make("Job", pod), chosen={"registries": ["registry.example.com/ml/"]}) == []) is allowed
    assert told(rule, make("Job", pod), chosen={}) == []


@pytest.mark.parametrize("name", ["python", "library/python", "docker.io/library/python"])
def test_an_image_without_a_host_is_docker_hubs(name, pod, make, told):
    pod["containers"] = [{"name": "model", "image": name}]
    pod["initContainers"] = pod["ephemeralContainers"] = []
    assert told(BY_ID["image-registry"], make("Pod", pod), chosen={"registries": ["docker.io/library"]}) == []


def headroom(change=None, **pod):
    container = {"name": "room", "image": "pause", **(change or {})}
    spec = {"priorityClassName": "headroom-prod", "automountServiceAccountToken": False, "containers": [container]}
    return workload({"replicas": 3, "template": {"spec": {**spec, **pod}}})


@pytest.mark.parametrize("rule", ["probes", "spread"])
def test_pods_that_only_hold_room_for_others_are_asked_nothing_and_may_be_anywhere(rule, told):
    assert told(BY_ID[rule], headroom()) == []


@pytest.mark.parametrize("rule", ["probes", "spread"])
@pytest.mark.parametrize(
    "more",
    [
        headroom({"ports": [{"containerPort": 80}]}),
        headroom({"env": [{"name": "A", "value": "b"}]}),
        headroom({"envFrom": [{"configMapRef": {"name": "a"}}]}),
        headroom({"command": ["sh"]}),
        headroom({"args": ["a"]}),
        headroom({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}),
        headroom({"volumeDevices": [{"name": "a", "devicePath": "/a"}]}),
        headroom({"lifecycle": {"postStart": {"exec": {"command": ["a"]}}}}),
        headroom(priorityClassName="batch"),
        headroom(priorityClassName=UNKNOWN),
        headroom(automountServiceAccountToken=True),
        headroom(automountServiceAccountToken=None),
        headroom(containers=[{"name": "room"}, {"name": "other"}]),
        headroom(initContainers=[{"name": "first"}]),
        headroom(containers=[]),
    ],
)
def test_a_pod_that_could_do_more_than_hold_room_is_judged_as_any_other(rule, more, told):
    if more["spec"]["template"]["spec"]["containers"] or rule == "spread":
        assert told(BY_ID[rule], more) != []


PLACE = "spec.terminationGracePeriodSeconds"


@pytest.mark.parametrize(
    ("grace", "sleeps", "seconds", "expected"),
    [
        (5, [], 5, []),
        (15, [10], 5, []),
        (14, [10], 5, [f"{PLACE}: 14 s, of which the preStop sleep takes 10 s; at least 15"]),
        (0, [], 5, [f"{PLACE}: 0 s, of which the preStop sleep takes 0 s; at least 5"]),
        (0, [], 0, []),
        (None, [25], 5, []),
        (None, [26], 5, [f"{PLACE}: 30 s, of which the preStop sleep takes 26 s; at least 31"]),
        (30, [10, 28, 20], 5, [f"{PLACE}: 30 s, of which the preStop sleep takes 28 s; at least 33"]),
        (30, [UNKNOWN, 28], 5, ["model0?", f"{PLACE}: 30 s, of which the preStop sleep takes 28 s; at least 33"]),
        (True, [], 31, [f"{PLACE}: 30 s, of which the preStop sleep takes 0 s; at least 31"]),
        (UNKNOWN, [28], 5, [f"{PLACE}?"]),
    ],
)
def test_a_grace_period_holds_the_longest_sleep_and_time_to_end(grace, sleeps, seconds, expected, told):
    containers = [
        {"name": f"model{index}", "lifecycle": {"preStop": {"sleep": {"seconds": slept}}}}
        for index, slept in enumerate(sleeps)
    ]
    spec = {"containers": containers} | ({} if grace is None else {"terminationGracePeriodSeconds": grace})
    found = told(BY_ID["grace-period"], {"kind": "Pod", "spec": spec}, chosen={"seconds": seconds})
    unknown = 'spec.containers["model0"].lifecycle.preStop.sleep.seconds?'
    assert found == [unknown if one == "model0?" else one for one in expected]
