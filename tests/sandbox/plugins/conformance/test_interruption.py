"""A provider that dies in the middle of an up."""

from __future__ import annotations

import os
import signal
import time

PROGRAM = """
provider = k8s.Provider("cluster", upsert_existing_objects=True)
opts = pulumi.ResourceOptions(provider=provider)
metadata = {"namespace": NAMESPACE}
maps = [
    k8s.core.v1.ConfigMap(f"map-{n}", metadata=metadata | {"name": f"map-{n}"}, data={"n": str(n)}, opts=opts)
    for n in range(5)
]
labels = {"app": "iris"}
k8s.apps.v1.Deployment(
    "iris",
    metadata=metadata | {"name": "iris"},
    spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
        "nodeSelector": {"free": NAMESPACE}, "containers": [{"name": "server", "image": "iris:1"}]}}},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=maps),
)
"""
OBJECTS = 6


def seen(look, within: float = 60.0):
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_provider_killed_while_it_waits_loses_nothing_and_the_next_up_converges(stack):
    stack.program(PROGRAM)
    running = stack.start("up", "--yes", "--skip-preview")
    try:
        # The Deployment fits on no node yet, so the up is certainly waiting for it when it is there.
        before = seen(lambda: stack.cluster.get(f"{stack.apps}/deployments/iris"))
        for pid in seen(stack.providers):
            os.kill(pid, signal.SIGKILL)
        output, _ = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode != 0, output
    node = stack.cluster.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    stack.cluster.edit(f"/api/v1/nodes/{node}", {"metadata": {"labels": {"free": stack.namespace}}})
    stack.up()
    assert stack.up().changes == {"unchanged": OBJECTS + 2}
    live = stack.cluster.get(f"{stack.apps}/deployments/iris")
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    assert live["status"]["availableReplicas"] == 1
    assert stack.run("refresh", "--yes", "--skip-preview").changes == {"unchanged": OBJECTS + 2}
    stack.destroy()
    assert stack.resources() == {}
