"""Models without slots on a real API server: what an `up` waits for once their one Deployment was changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pulumi
import pytest

from infra.guard import DeclaredRollout, Guard, SwitchRefusedError
from infra.guard.smoke import Smoke
from infra.reach import Reach
from infra.settings.guard import Guard as GuardSettings

LABELS = {"app.kubernetes.io/name": "iris", "ml-platform/slot": "only"}


def deploy(flowers, image, *, replicas=2, gpu=0, ready=True, deadline=600):
    requests = {"cpu": "100m", "memory": "64Mi", **({"nvidia.com/gpu": str(gpu)} if gpu else {})}
    limits = {"nvidia.com/gpu": str(gpu)} if gpu else {}
    annotations = {} if ready else {"sandbox.ml-platform/ready": "false"}
    container = {"name": "model", "image": image, "resources": {"requests": requests, "limits": limits}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": LABELS},
        "strategy": strategy,
        "progressDeadlineSeconds": deadline,
        "template": {
            "metadata": {"labels": LABELS, "annotations": annotations},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
        },
    }
    metadata = {"name": "iris", "labels": LABELS, "annotations": {"ml-platform/content": image[-4:]}}
    if flowers.get("deployments/iris", "/apis/apps/v1") is None:
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
        flowers.create(flowers.path("deployments", "/apis/apps/v1"), body)
    else:
        path = flowers.path("deployments/iris", "/apis/apps/v1")
        flowers.patch(path, {"metadata": metadata, "spec": {"template": spec["template"]}})


@pytest.fixture
def serving(flowers):
    """The first image runs, and the Service names the only place."""
    spec = {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "iris"}, "spec": spec}
    flowers.create(flowers.path("services"), body)
    deploy(flowers, flowers.images["blue"])
    flowers.eventually(lambda: status(flowers).get("readyReplicas") == 2)
    return flowers


def status(flowers):
    return flowers.get("deployments/iris", "/apis/apps/v1")["status"]


def declared(flowers, **rollout):
    only = replace(flowers.declared().slots["green"], content=flowers.images["green"][-4:])
    return flowers.declared(active="only", slots={"only": only}, rollout=DeclaredRollout(**rollout))


def opened(flowers, plane, now, **settings):
    return Guard.open(
        cluster=Reach(context="sandbox", kubeconfig=str(plane.kubeconfig)),
        settings=GuardSettings(**settings),
        models={"iris": flowers.namespace},
        now=now,
    )


def test_a_rollout_is_waited_for_to_its_last_pod(serving, plane, now):
    guard, model = opened(serving, plane, now), declared(serving)
    deploy(serving, serving.images["green"])
    healthy = asyncio.run(guard.verify(model))
    images = {pod["spec"]["containers"][0]["image"] for pod in serving.pods("only")}
    assert serving.images["green"] in images
    assert status(serving)["updatedReplicas"] == 2
    assert healthy["only"] is not None


@pytest.mark.parametrize("ready", [True, False])
def test_a_first_deployment_is_waited_for_before_its_service_and_asked_once_that_stands(flowers, plane, now, ready):
    """Its smoke request goes through the very Service that is made: asked before, it would always be refused."""
    guard, model = opened(flowers, plane, now, deadline=60 if ready else 4), declared(flowers)
    smoke = Smoke(path="/predict", body={"rows": [1]}, json={"version": "2"})
    model = replace(model, slots={"only": replace(model.slots["only"], smoke=smoke)})
    deploy(flowers, flowers.images["green"], ready=ready)
    new = {"spec": {"selector": LABELS}}
    made = pulumi.ResourceHookArgs("urn", "id", "iris", "type", new, None)
    gate = guard.gate(model)
    if not ready:
        with pytest.raises(SwitchRefusedError, match=r"0 of 2 pods of iris are ready.*Service iris is not made"):
            asyncio.run(gate(made))
        return
    asyncio.run(gate(made))
    assert gate.carried is not None
    assert [pod.ready for pod in gate.carried.pods] == [True, True]  # the Deployment's own count may come later


def test_a_rollout_that_kubernetes_gave_up_fails_the_up_with_what_it_says(serving, plane, now):
    guard, model = opened(serving, plane, now), declared(serving)
    serving.patch(
        serving.path("deployments/iris", "/apis/apps/v1"),
        {"spec": {"progressDeadlineSeconds": 2, "minReadySeconds": 0}},
    )
    deploy(serving, serving.images["green"], ready=False)
    with pytest.raises(SwitchRefusedError, match=r"version 2 does not come up where it stands: after .* 0 of 2 pods"):
        asyncio.run(guard.verify(model))
    assert status(serving)["readyReplicas"] == 2, "the former version went on serving"


@pytest.mark.usefixtures("impatient")
def test_a_device_that_no_node_has_is_named_with_the_strategy_that_fits(serving, plane, now, capfd):
    guard, model = opened(serving, plane, now, deadline=4), declared(serving)
    deploy(serving, serving.images["green"], gpu=1)
    with pytest.raises(SwitchRefusedError) as raised:
        asyncio.run(guard.verify(model))
    said = str(raised.value)
    assert "Insufficient nvidia.com/gpu" in said
    assert "Insufficient nvidia.com/gpu" in capfd.readouterr().err, "told while it is waited for"
    assert "set models.iris.rollout to {maxSurge: 0, maxUnavailable: 1}, or models.iris.strategy to recreate" in said


@pytest.mark.usefixtures("impatient")
def test_a_quota_without_room_for_the_surge_is_named_with_the_strategy_that_fits(serving, plane, now):
    guard, model = opened(serving, plane, now), declared(serving)
    serving.limit(pods="2")
    deploy(serving, serving.images["green"])
    with pytest.raises(SwitchRefusedError) as raised:
        asyncio.run(guard.verify(model))
    assert "exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2" in str(raised.value)
    assert "maxUnavailable: 1" in str(raised.value)


def test_a_deadline_begins_anew_with_every_pod_that_comes_up(serving, plane, now):
    """Two pods, each brought up after most of the deadline: longer than it in all."""
    guard, model = opened(serving, plane, now), declared(serving, deadline=6)
    deploy(serving, serving.images["green"], ready=False)
    done: set[str] = set()

    def new_pods():
        pods = [pod for pod in serving.pods("only") if pod["status"].get("phase") == "Running"]
        return {
            pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["image"] == serving.images["green"]
        }

    async def bring_up():
        while len(done) < 2:
            await asyncio.sleep(4)
            for name in sorted(new_pods() - done)[:1]:
                conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready")]
                serving.patch(serving.path(f"pods/{name}/status"), {"status": {"conditions": conditions}})
                done.add(name)

    async def both():
        await asyncio.gather(guard.verify(model), bring_up())

    asyncio.run(both())
    assert status(serving)["updatedReplicas"] == 2
