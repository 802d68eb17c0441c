from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.slot_pods import (
    Placement,
    Probes,
    Resources,
    Volume,
    content_hash,
    pod_requests,
    pod_template,
    rollout_deadline,
)


@pytest.fixture(scope="session")
def template(content):
    def make(held=None, **changes):
        return pod_template(
            held or content("1", **changes),
            labels={"ml-platform/version": "1"},
            selector={"ml-platform/slot": "blue"},
            service_account="iris",
        )

    return make


@pytest.fixture
def container(template):
    def make(**changes):
        [container] = template(**changes)["spec"]["containers"]
        return container

    return make


def test_a_pod_meets_the_restricted_standard(template, container):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    assert template()["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_a_pod_has_the_class_of_priority_that_it_is_given_and_else_none(template):
    assert template(priority_class="serving-prod")["spec"]["priorityClassName"] == "serving-prod"
    assert "priorityClassName" not in template()["spec"]


def test_a_pod_can_write_its_temporary_files_and_nothing_else(template, container):
    assert container()["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert template()["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]


def test_a_pod_holds_no_token_and_knows_no_neighbour(template):
    spec = template()["spec"]
    assert spec["serviceAccountName"] == "iris"
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


def test_a_pod_serves_while_it_drains_and_then_finishes(template, container):
    assert container(drain=20)["lifecycle"] == {"preStop": {"sleep": {"seconds": 20}}}
    assert template(drain=20)["spec"]["terminationGracePeriodSeconds"] == 50


def test_without_a_drain_there_is_no_hook(template, container):
    assert "lifecycle" not in container(drain=0)
    assert template(drain=0)["spec"]["terminationGracePeriodSeconds"] == 30


@pytest.mark.parametrize(("within", "failures"), [(1, 1), (2, 1), (3, 2), (120, 60)])
def test_a_pod_has_as_long_to_start_as_its_version_says(container, within, failures):
    probe = container(probes=Probes(ready="/r", live="/l", start="/s", start_within=within))["startupProbe"]
    assert probe["httpGet"] == {"path": "/s", "port": "http"}
    assert (probe["periodSeconds"], probe["failureThreshold"]) == (2, failures)


def test_the_rollouts_deadline_leaves_time_to_pull_and_to_start(content):
    assert rollout_deadline(content(probes=Probes(ready="/r", live="/l", start="/s", start_within=90))) == 690


def test_readiness_gives_up_sooner_than_liveness(container):
    ready, live = (container()[probe] for probe in ("readinessProbe", "livenessProbe"))
    assert ready["httpGet"]["path"] == "/readyz"
    assert live["httpGet"]["path"] == "/healthz"
    patience = [probe["periodSeconds"] * probe["failureThreshold"] for probe in (ready, live)]
    assert patience == [10, 60]


def test_versions_may_listen_on_different_ports_behind_one_name(container):
    assert [container(port=port)["ports"] for port in (8080, 9000)] == [
        [{"name": "http", "containerPort": port, "protocol": "TCP"}] for port in (8080, 9000)
    ]


def test_cpu_may_burst_and_memory_may_not(container):
    resources = container(resources=Resources(cpu="500m", memory="1Gi"))["resources"]
    assert resources == {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}


def test_a_cpu_limit_is_there_when_it_is_asked_for(container):
    resources = container(resources=Resources(cpu="500m", memory="1Gi", cpu_limit="2"))["resources"]
    assert resources["limits"] == {"cpu": "2", "memory": "1Gi"}


def test_a_gpu_is_requested_whole_and_its_nodes_taint_tolerated(template, container):
    resources = Resources(cpu="4", memory="16Gi", gpu=2)
    declared = container(resources=resources)["resources"]
    assert declared["requests"]["nvidia.com/gpu"] == declared["limits"]["nvidia.com/gpu"] == "2"
    assert template(resources=resources)["spec"]["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]


def test_without_a_gpu_no_taint_is_tolerated(template):
    assert "tolerations" not in template()["spec"]


def test_what_a_pod_counts_in_a_quota_has_the_quotas_own_names():
    assert pod_requests(Resources(cpu="500m", memory="1Gi", gpu=1)) == {
        "requests.cpu": "500m",
        "requests.memory": "1Gi",
        "requests.nvidia.com/gpu": "1",
        "limits.memory": "1Gi",
    }
    assert pod_requests(Resources(cpu="500m", memory="1Gi", cpu_limit="2"))["limits.cpu"] == "2"


@pytest.mark.parametrize(
    ("spread", "keys"),
    [
        ("zone", ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]),
        ("node", ["kubernetes.io/hostname"]),
    ],
)
def test_pods_are_kept_apart_where_there_is_room(template, spread, keys):
    constraints = template(placement=Placement(spread=spread))["spec"]["topologySpreadConstraints"]
    assert [constraint["topologyKey"] for constraint in constraints] == keys
    for constraint in constraints:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"] == {"matchLabels": {"ml-platform/slot": "blue"}}
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]


def test_the_scheduler_decides_where_nothing_is_asked_for(template):
    assert "topologySpreadConstraints" not in template(placement=Placement(spread="none"))["spec"]


def test_pods_of_a_node_pool_stand_there_alone_and_tolerate_its_taint(template):
    spec = template(placement=Placement(node_pool="gpu-l4"))["spec"]
    assert spec["nodeSelector"] == {"ml-platform/node-pool": "gpu-l4"}
    assert spec["tolerations"] == [
        {"key": "ml-platform/node-pool", "operator": "Equal", "value": "gpu-l4", "effect": "NoSchedule"}
    ]
    assert "nodeSelector" not in template()["spec"]


def test_a_claim_is_mounted_for_reading_unless_writing_is_asked_for(template):
    volumes = {
        "weights": Volume(claim="shared-models", path="/models"),
        "cache": Volume(claim="cache", path="/cache", read_only=False),
    }
    spec = template(volumes=volumes)["spec"]
    assert spec["volumes"][1:] == [
        {"name": "cache", "persistentVolumeClaim": {"claimName": "cache", "readOnly": False}},
        {"name": "weights", "persistentVolumeClaim": {"claimName": "shared-models", "readOnly": True}},
    ]
    [container] = spec["containers"]
    assert container["volumeMounts"][1:] == [
        {"name": "cache", "mountPath": "/cache", "readOnly": False},
        {"name": "weights", "mountPath": "/models", "readOnly": True},
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"volumes": {"tmp": Volume(claim="c", path="/c")}}, '"tmp" is the pod\'s own'),
        ({"volumes": {"a": Volume(claim="c", path="/c"), "b": Volume(claim="d", path="/c/")}}, "two at /c"),
        ({"volumes": {"a": Volume(claim="c", path="/tmp")}}, "two at /tmp"),
        ({"uri": "models:/iris/1", "env": {"MODEL_URI": "x"}}, "MODEL_URI given twice"),
        ({"env": {"A": "1"}, "secret_env": {"A": "1"}}, "A given twice"),
    ],
)
def test_two_things_in_one_place_are_refused(content, changes, message):
    with pytest.raises(ValueError, match=message):
        content(**changes)


def test_where_the_weights_come_from_is_told_to_the_pod(content):
    assert content(uri="models:/iris/1", env={"A": "1"}).variables == {"A": "1", "MODEL_URI": "models:/iris/1"}


def test_variables_come_from_the_config_map_and_secrets_one_by_one(content):
    held = content(env={"A": "1"}, secret_env={"L": "x", "K": "y"})
    names = {"labels": {}, "selector": {}, "service_account": "iris", "config": "iris-blue-1", "secret": "iris-blue-2"}
    [container] = pod_template(held, **names)["spec"]["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": "iris-blue-1"}}]
    assert container["env"] == [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": "iris-blue-2", "key": key}}} for key in ("K", "L")
    ]


@given(
    change=st.sampled_from(
        [
            {"image": "other@sha256:0"},
            {"port": 1},
            {"drain": 1},
            {"volumes": {"a": Volume(claim="c", path="/c")}},
            {"placement": Placement(spread="node")},
            {"placement": Placement(node_pool="gpu-l4")},
            {"resources": Resources(cpu="1", memory="1Gi")},
            {"resources": Resources(cpu="500m", memory="2Gi")},
            {"resources": Resources(cpu="500m", memory="1Gi", cpu_limit="1")},
            {"probes": Probes(ready="/other", live="/healthz", start="/healthz", start_within=120)},
            {"probes": Probes(ready="/readyz", live="/healthz", start="/healthz", start_within=60)},
        ]
    )
)
def test_whatever_changes_a_pod_changes_the_hash(template, content, change):
    assert content_hash(template(replace(content("1"), **change))) != content_hash(template(content("1")))


def test_the_hash_is_text_where_all_is_plain_and_an_output_where_an_image_is_built(engine, template):
    plain = template()
    expected = content_hash(plain)
    assert isinstance(expected, str)

    def program() -> None:
        built = template(image=pulumi.Output.from_input(plain["spec"]["containers"][0]["image"]))
        digest = content_hash(built)
        assert isinstance(digest, pulumi.Output)
        pulumi.export("digest", digest)

    assert engine.run(program).exports == {"digest": expected}
