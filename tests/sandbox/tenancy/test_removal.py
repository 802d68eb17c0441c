"""Removing a team with the real engine: refused with what would be lost, until that is what is meant."""

from __future__ import annotations

import pytest
from project import Stack
from tenants import eventually

from sandbox.tools import ToolError, provide

# Each command starts an engine, a program and a provider: seconds on a quiet machine, a multiple on a busy one.
pytestmark = pytest.mark.timeout(900)
BIRDS = {
    "quota": {"requests.cpu": "1", "requests.memory": "1Gi"},
    "volumes": {"songs": {"size": "10Gi"}},
    "namespaces": {"train": {"quota": {"requests.cpu": "1", "requests.memory": "1Gi"}}},
}


@pytest.fixture
def stack(tmp_path, plane):
    """Two teams without a model, each with its namespaces."""
    try:
        engine = str(provide(["pulumi"], report=print)["pulumi"].path)
    except ToolError as error:
        pytest.skip(f"no engine on this machine: {error}")
    stack = Stack(tmp_path, engine, plane)
    stack.config["ml-platform:models"] = {}
    stack.config["ml-platform:teams"]["birds"] = dict(BIRDS)
    stack.config["ml-platform:priorityClasses"] = {"batch": {"value": -10}}
    yield stack
    for namespace in live(stack):
        plane.api.delete(f"/api/v1/namespaces/{namespace}")


def live(stack):
    selector = f"ml-platform%2Fenvironment%3D{stack.environment}"
    found = stack.api.get(f"/api/v1/namespaces?labelSelector={selector}")["items"]
    return {one["metadata"]["name"] for one in found if not one["metadata"].get("deletionTimestamp")}


def test_a_team_is_removed_only_by_who_says_that_its_data_may_go(stack):
    birds, train = f"birds-{stack.environment}", f"birds-train-{stack.environment}"
    everything = {birds, train, stack.namespace}
    stack.up()
    assert live(stack) == everything
    assert "declared no longer" not in stack.up()

    teams = stack.config["ml-platform:teams"]
    removed = teams.pop("birds")
    for command in ("preview", "up"):
        told = stack.run(*([command] if command == "preview" else ["up", "--yes", "--skip-preview"]), succeeds=False)
        assert f"namespace {birds} is declared no longer: it would go with all it holds: volume songs (10Gi)" in told
        assert f"namespace {train} is declared no longer" in told
        assert "put team birds back, set teams.birds.protect to false, run pulumi up, and remove it again" in told
        assert "protected" in told
    assert live(stack) == everything
    assert stack.api.get(f"/api/v1/namespaces/{birds}/persistentvolumeclaims/songs") is not None

    # And a class with another value, which no API server takes as a change: it is made anew.
    stack.config["ml-platform:priorityClasses"] = {"batch": {"value": -20}}
    teams["birds"] = {**removed, "protect": False}
    assert "teams.birds.protect is false" in stack.up()
    path = f"/apis/scheduling.k8s.io/v1/priorityclasses/batch-{stack.environment}"
    assert stack.api.get(path)["value"] == -20
    del teams["birds"]
    stack.up()
    eventually(lambda: live(stack) == {stack.namespace})
