from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.slot_pods import Probes, Resources, content_hash, pod_requests, pod_template, rollout_deadline


@pytest.fixture(scope="session")
def template(content):
    def make(held=None, **changes):
        return pod_template(
            held or content("1", **changes),
            labels={"ml-platform/version": "1"},
            selector={"ml-platform/slot": "blue"},
            service_account="iris",
            secret=None,
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


@pytest.mark.parametrize(
    ("cpu", "limit"), [("500m", "1"), ("1", "2"), ("1.5", "3"), ("250m", "500m"), ("0.1", "200m"), ("2", "4")]
)
def test_cpu_may_burst_to_twice_the_request_and_memory_may_not(container, cpu, limit):
    resources = container(resources=Resources(cpu=cpu, memory="1Gi"))["resources"]
    assert resources == {"requests": {"cpu": cpu, "memory": "1Gi"}, "limits": {"cpu": limit, "memory": "1Gi"}}


@pytest.mark.parametrize("cpu", ["", "m", "half", "1Gi"])
def test_a_quantity_that_is_none_is_refused(container, cpu):
    with pytest.raises(ValueError, match="is no CPU quantity"):
        container(resources=Resources(cpu=cpu, memory="1Gi"))


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
        "limits.cpu": "1",
        "limits.memory": "1Gi",
    }


def test_pods_are_spread_over_nodes_where_there_are_several(template):
    [constraint] = template()["spec"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
    assert constraint["labelSelector"] == {"matchLabels": {"ml-platform/slot": "blue"}}


def test_the_order_in_which_variables_were_written_is_no_change(template):
    one, other = (template(env=dict(pairs)) for pairs in ([("A", "1"), ("B", "2")], [("B", "2"), ("A", "1")]))
    assert content_hash(one) == content_hash(other)


@given(
    change=st.sampled_from(
        [
            {"image": "other@sha256:0"},
            {"port": 1},
            {"drain": 1},
            {"env": {"A": "1"}},
            {"resources": Resources(cpu="1", memory="1Gi")},
            {"resources": Resources(cpu="500m", memory="2Gi")},
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
