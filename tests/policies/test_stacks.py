"""Rules that compare objects with each other: what passes, what fails, what is missing, what is not known."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from small_objects import (
    APP,
    MARKS,
    an,
    beside,
    deployment,
    elsewhere,
    hpa,
    ingress,
    limits,
    namespace,
    pdb,
    policy,
    quota,
    route,
    scaled,
    service,
    slot,
    slot_hpa,
    stack,
    switch,
    tell,
    template,
    vpa,
)

from policies.configured import Configured
from policies.exempt import Exemptions
from policies.judgement import Judgement
from policies.rules import RULES, UNKNOWN

SERVED = json.dumps({"1": {"image": "churn:1"}})
BOTH = [slot("blue"), slot("green", "2")]
ALL = {"requests.cpu": "1", "requests.memory": "1Gi"}
ALL_ASKED = {"cpu": "1", "memory": "1Gi"}
KARPENTER = an("NodePool", "gpu", version="karpenter.sh/v1")
CASES: dict[str, list[tuple[list[dict[str, Any]], list[str]]]] = {
    "replicas-ha": [
        ([deployment(replicas=2)], []),
        ([deployment(), hpa(2)], []),
        ([deployment(), scaled(2)], []),
        ([deployment(), scaled(0)], []),
        ([deployment(replicas=0)], []),
        ([deployment(replicas=1)], ["Deployment fraud-prod/churn spec.replicas: runs one pod at its smallest"]),
        ([deployment()], ["Deployment fraud-prod/churn spec.replicas: runs one pod at its smallest"]),
        ([deployment(), hpa(1)], ["Deployment fraud-prod/churn spec.replicas: runs one pod at its smallest"]),
        ([deployment(), hpa(None)], ["Deployment fraud-prod/churn spec.replicas: runs one pod at its smallest"]),
        ([deployment(replicas=1, labels={"ml-platform/environment": "dev"})], []),
        (
            [deployment(labels={"ml-platform/environment": "dev"}), deployment("other")],
            ["Deployment fraud-prod/other spec.replicas: runs one pod at its smallest"],
        ),
        ([deployment(replicas=UNKNOWN)], ["Deployment fraud-prod/churn spec.replicas?"]),
        ([deployment(), hpa(UNKNOWN)], ["Deployment fraud-prod/churn spec.replicas?"]),
    ],
    "namespace-quota": [
        ([namespace(), quota(**ALL)], []),
        ([namespace(), quota(cpu="1", memory="1Gi")], []),
        ([namespace()], ["Namespace fraud-prod metadata.name: no ResourceQuota bounds cpu and memory"]),
        ([namespace(), quota(cpu="1")], ["Namespace fraud-prod metadata.name: no ResourceQuota bounds memory"]),
        (
            [namespace(), quota(pods="9")],
            ["Namespace fraud-prod metadata.name: no ResourceQuota bounds cpu and memory"],
        ),
        ([namespace("other"), quota(**ALL)], ["Namespace other metadata.name: no ResourceQuota bounds cpu and memory"]),
        ([namespace("kube-system")], []),
        ([quota(pods="9")], []),
        ([namespace(), an("ResourceQuota", hard=UNKNOWN)], ["Namespace fraud-prod metadata.name?"]),
    ],
    "namespace-limit-range": [
        ([namespace(), limits(defaultRequest={"cpu": "1", "memory": "1Gi"})], []),
        ([namespace(), limits(defaultRequest={"cpu": "1"}, default={"memory": "1Gi"})], []),
        (
            [namespace(), limits(defaultRequest={"cpu": "1"})],
            ["Namespace fraud-prod metadata.name: no LimitRange gives a container a request for memory"],
        ),
        (
            [namespace()],
            ["Namespace fraud-prod metadata.name: no LimitRange gives a container a request for cpu and memory"],
        ),
        (
            [namespace(), an("LimitRange", limits=[{"type": "Pod"}, {"type": "Container", "default": ALL_ASKED}])],
            [],
        ),
        (
            [namespace(), an("LimitRange", limits=[{"type": "Pod", "default": ALL_ASKED}])],
            ["Namespace fraud-prod metadata.name: no LimitRange gives a container a request for cpu and memory"],
        ),
        ([namespace(), limits(defaultRequest=UNKNOWN)], ["Namespace fraud-prod metadata.name?"]),
        ([namespace(), an("LimitRange", limits=UNKNOWN)], ["Namespace fraud-prod metadata.name?"]),
    ],
    "network-default-deny": [
        ([namespace(), policy({})], []),
        ([namespace(), policy({}, ["Ingress"]), policy({}, ["Egress"])], []),
        (
            [namespace(), policy({}, ["Ingress"])],
            ["Namespace fraud-prod metadata.name: no NetworkPolicy denies Egress by default"],
        ),
        (
            [namespace(), policy({}, ingress=[{}])],
            ["Namespace fraud-prod metadata.name: no NetworkPolicy denies Ingress by default"],
        ),
        (
            [namespace(), policy({"matchLabels": APP})],
            ["Namespace fraud-prod metadata.name: no NetworkPolicy denies Ingress and Egress by default"],
        ),
        ([namespace()], ["Namespace fraud-prod metadata.name: no NetworkPolicy denies Ingress and Egress by default"]),
        ([namespace(), policy(UNKNOWN)], ["Namespace fraud-prod metadata.name?"]),
    ],
    "dangling-references": [
        ([service(APP), deployment()], []),
        (
            [service({"app": "other"}), deployment()],
            ["Service fraud-prod/churn spec.selector: selects no pods of the stack"],
        ),
        ([service(None)], []),
        ([service({"app": "other"}, labels={MARKS[1]: "green"})], []),
        ([service({}), deployment()], []),
        ([service(UNKNOWN), deployment()], ["Service fraud-prod/churn spec.selector?"]),
        ([service({"app": UNKNOWN}), deployment()], ["Service fraud-prod/churn spec.selector?"]),
        ([service(APP), deployment(pods=UNKNOWN)], ["Service fraud-prod/churn spec.selector?"]),
        ([service(APP), an("Kafka", version="kafka.strimzi.io/v1")], []),
        ([service(APP), an("Prometheus", version="monitoring.coreos.com/v1")], []),
        (
            [service(APP), an("ServiceMonitor", version="monitoring.coreos.com/v1")],
            ["Service fraud-prod/churn spec.selector: selects no pods of the stack"],
        ),
        ([pdb(), deployment()], []),
        ([pdb()], ["PodDisruptionBudget fraud-prod/churn spec.selector: selects no pods of the stack"]),
        ([policy({"matchLabels": APP}), deployment()], []),
        (
            [policy({"matchLabels": {"app": "other"}}), deployment()],
            ["NetworkPolicy fraud-prod/deny spec.podSelector: selects no pods of the stack"],
        ),
        ([policy({"matchLabels": APP})], []),
        ([policy({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), deployment()], []),
        ([policy({"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}})], []),
        ([policy({})], []),
        ([hpa(), deployment()], []),
        (
            [hpa(target="x")],
            ["HorizontalPodAutoscaler fraud-prod/churn spec.scaleTargetRef: the stack has no Deployment x"],
        ),
        ([hpa(target=UNKNOWN)], ["HorizontalPodAutoscaler fraud-prod/churn spec.scaleTargetRef?"]),
        ([ingress("churn"), service(None)], []),
        (
            [ingress("other"), service(None)],
            ["Ingress fraud-prod/churn spec.rules[0].http.paths[0].backend: the stack has no Service other"],
        ),
        ([route(name="churn"), service(None)], []),
        (
            [route(name="churn")],
            ["HTTPRoute fraud-prod/churn spec.rules[0].backendRefs[0]: the stack has no Service churn"],
        ),
        ([route(name="churn", kind="ServiceImport")], []),
        ([route(name="churn", namespace="other")], []),
        ([route(name=UNKNOWN)], ["HTTPRoute fraud-prod/churn spec.rules[0].backendRefs[0]?"]),
    ],
    "hpa-owns-replicas": [
        ([deployment(), hpa()], []),
        ([deployment(replicas=3)], []),
        ([deployment("other", replicas=3), hpa()], []),
        (
            [deployment(replicas=3), hpa()],
            [
                (
                    "Deployment fraud-prod/churn spec.replicas: declares 3 replicas,"
                    " which HorizontalPodAutoscaler fraud-prod/churn owns"
                )
            ],
        ),
        (
            [deployment(replicas=0), scaled()],
            ["Deployment fraud-prod/churn spec.replicas: declares 0 replicas, which ScaledObject fraud-prod/keda owns"],
        ),
        ([deployment(replicas=UNKNOWN), hpa()], ["Deployment fraud-prod/churn spec.replicas?"]),
        (
            [deployment("other"), deployment(replicas=3), hpa(name="a", target="other"), hpa()],
            [
                (
                    "Deployment fraud-prod/churn spec.replicas: declares 3 replicas,"
                    " which HorizontalPodAutoscaler fraud-prod/churn owns"
                )
            ],
        ),
    ],
    "pdb-allows-disruption": [
        ([pdb(maxUnavailable=1), deployment()], []),
        ([pdb(maxUnavailable="1%")], []),
        ([pdb(maxUnavailable=0)], ["PodDisruptionBudget fraud-prod/churn spec.maxUnavailable: 0 lets no pod go"]),
        ([pdb(maxUnavailable="0%")], ["PodDisruptionBudget fraud-prod/churn spec.maxUnavailable: 0% lets no pod go"]),
        ([pdb(maxUnavailable="00%")], ["PodDisruptionBudget fraud-prod/churn spec.maxUnavailable: 00% lets no pod go"]),
        ([pdb(minAvailable="150%")], ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 150% lets no pod go"]),
        ([pdb(minAvailable="100%")], ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 100% lets no pod go"]),
        (
            [pdb(minAvailable=2), deployment(), hpa(2)],
            ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 2 of 2 pods lets none go"],
        ),
        (
            [pdb(minAvailable="51%"), deployment(replicas=2)],
            ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 51% of 2 pods lets none go"],
        ),
        (
            [pdb(minAvailable=3), deployment(replicas=2)],
            ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 3 of 2 pods lets none go"],
        ),
        (
            [pdb(minAvailable=1), deployment(replicas=1), deployment("other", pods={"app": "other"}, replicas=1)],
            ["PodDisruptionBudget fraud-prod/churn spec.minAvailable: 1 of 1 pods lets none go"],
        ),
        ([pdb(minAvailable=1), an("Job", template={"metadata": {"labels": APP}})], []),
        ([pdb(minAvailable=1), deployment(), hpa(2)], []),
        ([pdb(minAvailable="99%")], []),
        ([pdb(minAvailable=100)], []),
        ([pdb(minAvailable=1)], []),
        ([pdb(minAvailable=1), deployment(replicas=0)], []),
        ([pdb(minAvailable=1), deployment(), scaled(None)], []),
        ([pdb(), deployment()], []),
        ([pdb(maxUnavailable=UNKNOWN)], ["PodDisruptionBudget fraud-prod/churn spec.maxUnavailable?"]),
        (
            [pdb(minAvailable=1), deployment(), hpa(UNKNOWN)],
            ["PodDisruptionBudget fraud-prod/churn spec.minAvailable?"],
        ),
        ([pdb(minAvailable=1), deployment(pods=UNKNOWN)], ["PodDisruptionBudget fraud-prod/churn spec.minAvailable?"]),
    ],
    "one-autoscaler": [
        ([hpa(), hpa(name="other", target="other")], []),
        ([scaled()], []),
        (
            [hpa(), scaled()],
            [
                (
                    "ScaledObject fraud-prod/keda metadata.name: scales Deployment churn,"
                    " as HorizontalPodAutoscaler fraud-prod/churn does"
                )
            ],
        ),
        (
            [hpa(), hpa(name="twice")],
            [
                (
                    "HorizontalPodAutoscaler fraud-prod/twice metadata.name: scales Deployment churn,"
                    " as HorizontalPodAutoscaler fraud-prod/churn does"
                )
            ],
        ),
        (
            [hpa(), vpa()],
            [
                (
                    "VerticalPodAutoscaler fraud-prod/vpa metadata.name: scales Deployment churn,"
                    " as HorizontalPodAutoscaler fraud-prod/churn does"
                )
            ],
        ),
        ([hpa(), vpa("Off")], []),
        ([hpa(metrics=[{"type": "External"}]), vpa()], []),
        ([vpa()], []),
        (
            [hpa(), vpa("Off"), vpa(name="second")],
            [
                (
                    "VerticalPodAutoscaler fraud-prod/second metadata.name: scales Deployment churn,"
                    " as HorizontalPodAutoscaler fraud-prod/churn does"
                )
            ],
        ),
        ([template("cluster-autoscaler"), template("other")], []),
        ([KARPENTER], []),
        ([KARPENTER, template("karpenter"), an("NodePool", "cpu", version="karpenter.sh/v1")], []),
        ([template("cluster-autoscaler"), an("NodePool", version="example.com/v1")], []),
        *(
            (
                [scaler, KARPENTER, an("NodePool", "cpu", version="karpenter.sh/v1")],
                [f"Deployment fraud-prod/{name} metadata.name: scales the number of nodes, as Karpenter does"],
            )
            for name, scaler in {
                "cluster-autoscaler": template("cluster-autoscaler", "registry.example.com/another:1"),
                "by-tag": template("by-tag", "registry.example.com:5000/scaling/cluster-autoscaler:v1.36.0"),
                "by-digest": template("by-digest", "registry.example.com/cluster-autoscaler@sha256:12"),
                "by-name": template("by-name", "cluster-autoscaler"),
            }.items()
        ),
        ([hpa(target=UNKNOWN), hpa(name="b", target=UNKNOWN)], []),
    ],
    "active-slot-ready-size": [
        ([*BOTH, slot_hpa("blue"), slot_hpa("green"), switch("blue")], []),
        ([*BOTH, slot_hpa("blue", 4), slot_hpa("green", 1), switch("blue")], []),
        (
            [*BOTH, slot_hpa("blue", 4), slot_hpa("green", 1), switch("green")],
            [
                (
                    'Service fraud-prod/churn spec.selector["ml-platform/slot"]:'
                    " the slot green has 1 pods at least, and the other slot 4"
                )
            ],
        ),
        (
            [slot("blue"), switch("green")],
            ['Service fraud-prod/churn spec.selector["ml-platform/slot"]: the slot green is not declared'],
        ),
        (
            [slot("blue", replicas=0), switch("blue")],
            ['Service fraud-prod/churn spec.selector["ml-platform/slot"]: the slot blue is off'],
        ),
        (
            [
                service({MARKS[1]: "blue"}, "churn-blue", labels={MARKS[1]: "blue"}),
                slot("blue", replicas=0),
                switch("blue"),
            ],
            ['Service fraud-prod/churn spec.selector["ml-platform/slot"]: the slot blue is off'],
        ),
        ([slot("blue", replicas=1), slot("green", model="iris", replicas=4), switch("blue")], []),
        ([slot("blue", replicas=1), elsewhere(slot("green", replicas=4)), switch("blue")], []),
        ([service(APP), deployment()], []),
        ([service({MARKS[1]: "x"}, labels={MARKS[1]: "x"})], []),
        ([*BOTH, switch(UNKNOWN)], ['Service fraud-prod/churn spec.selector["ml-platform/slot"]?']),
        (
            [slot("blue"), slot_hpa("blue", UNKNOWN), switch("blue")],
            ['Service fraud-prod/churn spec.selector["ml-platform/slot"]?'],
        ),
    ],
    "slots-match-their-versions": [
        ([*BOTH, slot_hpa("blue"), slot_hpa("green", version="2")], []),
        (
            [slot("blue"), slot_hpa("blue", version="2")],
            [
                (
                    'HorizontalPodAutoscaler fraud-prod/churn-blue metadata.labels["ml-platform/version"]:'
                    " says version 2, and Deployment fraud-prod/churn-blue is version 1"
                )
            ],
        ),
        (
            [slot("blue", pods={MARKS[0]: "churn", MARKS[1]: "blue"})],
            [
                (
                    'Deployment fraud-prod/churn-blue spec.template.metadata.labels["ml-platform/version"]:'
                    " None in the pods, and 1 outside"
                )
            ],
        ),
        (
            [slot("blue", pods={MARKS[0]: "churn", MARKS[1]: "green", MARKS[2]: "1"})],
            [
                (
                    'Deployment fraud-prod/churn-blue spec.template.metadata.labels["ml-platform/slot"]:'
                    " green in the pods, and blue outside"
                )
            ],
        ),
        (
            [*BOTH, slot_hpa("blue"), slot_hpa("green")],
            [
                (
                    'HorizontalPodAutoscaler fraud-prod/churn-green metadata.labels["ml-platform/version"]:'
                    " says version 1, and Deployment fraud-prod/churn-green is version 2"
                )
            ],
        ),
        ([slot_hpa("blue")], []),
        ([deployment()], []),
        (
            [slot("blue", pods=UNKNOWN)],
            [f'Deployment fraud-prod/churn-blue spec.template.metadata.labels["{mark}"]?' for mark in MARKS],
        ),
        (
            [slot("blue"), slot_hpa("blue", version=UNKNOWN)],
            ['HorizontalPodAutoscaler fraud-prod/churn-blue metadata.labels["ml-platform/version"]?'],
        ),
    ],
    "version-immutable": [
        ([*BOTH, slot_hpa("blue", served=SERVED)], []),
        ([slot("blue"), slot("green")], []),
        (
            [slot("blue", image="churn:x"), slot_hpa("blue", served=SERVED)],
            [
                (
                    "Deployment fraud-prod/churn-blue spec.template.spec.containers: version 1 is churn:x,"
                    " and churn:1 in HorizontalPodAutoscaler fraud-prod/churn-blue"
                )
            ],
        ),
        (
            [slot("blue"), slot("green", image="churn:x")],
            [
                (
                    "Deployment fraud-prod/churn-green spec.template.spec.containers: version 1 is churn:x,"
                    " and churn:1 in Deployment fraud-prod/churn-blue"
                )
            ],
        ),
        ([beside(slot("blue"), "proxy:1"), beside(slot("green"), "proxy:2")], []),
        ([slot("blue"), slot_hpa("blue", served="no json")], []),
        ([slot("blue"), slot_hpa("blue", served="[1]")], []),
        ([slot("blue"), slot_hpa("blue", served='{"1": null}')], []),
        (
            [slot("blue", image=UNKNOWN), slot_hpa("blue", served=SERVED)],
            ["Deployment fraud-prod/churn-blue spec.template.spec.containers?"],
        ),
        ([slot("blue", image=UNKNOWN)], []),
    ],
    "gpu-surge-fits-quota": [
        ([quota(**{"requests.nvidia.com/gpu": 3}), deployment(gpu=1, replicas=2)], []),
        (
            [quota(**{"requests.nvidia.com/gpu": 2}), deployment(gpu=1, replicas=2)],
            [
                (
                    "Deployment fraud-prod/churn spec.strategy.rollingUpdate.maxSurge: an update takes 1 of"
                    " nvidia.com/gpu more than the 2 that run, and the quota is 2"
                )
            ],
        ),
        ([quota(**{"requests.nvidia.com/gpu": 9}), deployment(gpu=1, replicas=2)], []),
        ([quota(**{"requests.nvidia.com/gpu": 0})], []),
        (
            [
                quota(**{"requests.nvidia.com/gpu": 6}),
                deployment("a", gpu=0, replicas=UNKNOWN),
                deployment("b", gpu=1, replicas=2),
                deployment("c", gpu=2, replicas=1),
                deployment("d", gpu=1, replicas=1),
            ],
            [
                (
                    "Deployment fraud-prod/c spec.strategy.rollingUpdate.maxSurge: an update takes 2 of"
                    " nvidia.com/gpu more than the 5 that run, and the quota is 6"
                )
            ],
        ),
        ([quota(**{"requests.nvidia.com/gpu": 2}), deployment(gpu=1, replicas=2, strategy={"type": "Recreate"})], []),
        (
            [
                quota(**{"requests.nvidia.com/gpu": 2}),
                deployment(gpu=1, replicas=2, strategy={"rollingUpdate": {"maxSurge": 0}}),
            ],
            [],
        ),
        (
            [quota(**{"requests.nvidia.com/gpu": 1}), deployment(gpu=1), hpa(2)],
            ['ResourceQuota fraud-prod/quota spec.hard["requests.nvidia.com/gpu"]: 1 are fewer than the 2 that run'],
        ),
        ([quota(**ALL), deployment(gpu=1)], []),
        (
            [
                quota(**{"requests.nvidia.com/gpu": 2}),
                deployment(gpu=1, replicas=2, strategy={"rollingUpdate": {"maxSurge": "many"}}),
            ],
            [],
        ),
        ([quota(**{"requests.nvidia.com/gpu": "many"}), deployment(gpu=1)], []),
        ([an("ResourceQuota"), deployment(gpu=1)], []),
        (
            [quota(**{"requests.nvidia.com/gpu": 2}), deployment(gpu=UNKNOWN)],
            ['ResourceQuota fraud-prod/quota spec.hard["requests.nvidia.com/gpu"]?'],
        ),
    ],
}


@pytest.mark.parametrize("rule", CASES)
def test_objects_are_told_what_is_wrong_between_them(rule):
    for manifests, expected in CASES[rule]:
        assert tell(rule, manifests) == expected, manifests


@pytest.mark.parametrize("rule", CASES)
def test_the_same_objects_are_told_in_whatever_order_they_arrive(rule):
    """A program declares all at once, an engine shows in any order, and an exemption is to hold each time."""
    for manifests, expected in CASES[rule]:
        assert sorted(tell(rule, manifests[::-1])) == sorted(expected), manifests


@pytest.mark.parametrize("rule", CASES)
def test_what_is_told_of_a_part_of_a_stack_is_true_of_all_of_it(rule):
    """What is told while a stack is under way gates the next object: it must not be taken back at the end."""
    for manifests, expected in CASES[rule]:
        for length in range(1, len(manifests) + 1):
            part = tell(rule, manifests[:length], complete=False)
            assert set(part) <= set(expected), manifests[:length]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.across], ids=lambda rule: rule.id)
def test_nonsense_raises_nothing(rule):
    for kind in rule.kinds:
        for spec in (
            None,
            UNKNOWN,
            "text",
            3,
            [None],
            {"selector": 3, "template": {"spec": {"containers": [None, 3]}}},
        ):
            broken = {"kind": kind, "apiVersion": "v1", "metadata": {"name": "x", "namespace": "y"}, "spec": spec}
            assert list(rule.judge(stack([broken, {"kind": kind}, namespace()]))) is not None


def test_what_others_make_is_an_organisations_choice():
    mine = [policy({"matchLabels": {"operator.example.com/pod": "x"}}), deployment()]
    assert tell("dangling-references", mine) != []
    assert tell("dangling-references", mine, {"elsewhere": ["operator.example.com/pod"]}) == []


def _told_at_once(rule, manifests):
    judgement = Judgement(Configured(), Exemptions(today=date(2026, 1, 1)))
    told = []
    for place, manifest in enumerate(manifests):
        group, _, version = manifest["apiVersion"].rpartition("/")
        token = f"kubernetes:{group or 'core'}/{version}:{manifest['kind']}"
        told += judgement.look(token, manifest, f"urn:{place}")
    return {(one.title, one.message) for one in told if one.rule.id == rule}


@pytest.mark.parametrize("rule", CASES)
def test_what_is_wrong_between_objects_gates_the_last_of_them_whichever_it_is(rule):
    for manifests, _ in CASES[rule]:
        assert _told_at_once(rule, manifests) == _told_at_once(rule, manifests[::-1]), manifests
