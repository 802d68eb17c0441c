"""A cluster that outlives its platform: one stack knows how to reach it, and the platform's stack asks that one."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from project import Stack

from sandbox.cluster.users import user_kubeconfig
from sandbox.tools import ToolError, provide

# Each command starts an engine, a program and a provider: seconds on a quiet machine, a multiple on a busy one.
pytestmark = pytest.mark.timeout(900)

# Whatever makes a cluster: all that the platform wants of it is this output.
GROUND = """
from pathlib import Path

import pulumi

pulumi.export("kubeconfig", pulumi.Output.secret(Path("kubeconfig").read_text()))
"""


class Ground:
    """A stack beside the platform's, in the same backend, by whose output a cluster is reached."""

    def __init__(self, stack):
        self.stack = stack
        self.directory = stack.directory.parent / "ground"
        self.directory.mkdir()
        runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
        (self.directory / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "ground", "runtime": runtime}))
        (self.directory / "__main__.py").write_text(GROUND)

    def up(self, kubeconfig):
        (self.directory / "kubeconfig").write_text(json.dumps(kubeconfig))
        self.stack.run("up", "--yes", "--skip-preview", "--stack", "made", "--cwd", str(self.directory))


@pytest.fixture
def stack(tmp_path, plane):
    try:
        engine = str(provide(["pulumi"], report=print)["pulumi"].path)
    except ToolError as error:
        pytest.skip(f"no engine on this machine: {error}")
    stack = Stack(tmp_path, engine, plane)
    stack.config["ml-platform:models"] = {}
    stack.config["ml-platform:cluster"] = {"provider": "existing", "stack": "ground/made"}
    yield stack
    plane.api.delete(f"/api/v1/namespaces/{stack.namespace}")


def administrator(plane, name):
    """Another certificate of an administrator, as one is renewed."""
    own = json.loads(plane.kubeconfig.read_text())
    return user_kubeconfig(
        own, f"user:{name}", api=plane.api, authority=plane.authority, group="system:masters", namespace=None
    )


def test_a_platform_stands_on_the_cluster_of_another_stack_and_renewed_credentials_replace_nothing(stack, plane):
    ground = Ground(stack)
    told = stack.up(succeeds=False)
    assert "cluster.stack: organization/ground/made cannot be read, so nothing was touched" in told

    stack.run("stack", "init", "made", "--cwd", str(ground.directory))
    assert "has no output kubeconfig, so nothing was touched: run `pulumi up` there first" in stack.up(succeeds=False)

    first = administrator(plane, "first")
    ground.up(first)
    stack.up()
    assert stack.api.get(f"/api/v1/namespaces/{stack.namespace}")["metadata"]["name"] == stack.namespace
    kept = stack.run("stack", "export")
    for name in ("client-key-data", "client-certificate-data"):
        assert first["users"][0]["user"][name] not in kept
    assert "[secret]" in stack.run("stack", "output", "kubeconfig")

    ground.up(administrator(plane, "second"))
    steps = json.loads(stack.run("preview", "--json"))["steps"]
    changed = {step["urn"].split("::")[2].rpartition("$")[2]: step["op"] for step in steps if step["op"] != "same"}
    assert changed.pop("pulumi:pulumi:Stack", "update") == "update"  # its output
    assert changed == {"pulumi:providers:kubernetes": "update"}
    before = stack.api.get(f"/api/v1/namespaces/{stack.namespace}")["metadata"]
    stack.up()
    assert stack.api.get(f"/api/v1/namespaces/{stack.namespace}")["metadata"]["uid"] == before["uid"]


def test_a_kubeconfig_may_be_a_secret_and_a_cluster_of_another_version_is_left_alone(stack, plane):
    stack.config["ml-platform:cluster"] = {"provider": "existing", "kubeconfigSecret": "admin", "version": "1.20"}
    stack.secret("admin", json.dumps(administrator(plane, "third")))
    live = json.loads(plane.api.request("GET", "/version")[1])
    version = f"{live['major']}.{live['minor']}"
    told = stack.up(succeeds=False)
    assert f"cluster.version: 1.20, and the API server is {version}" in told
    assert "nothing was touched" in told
    stack.config["ml-platform:cluster"]["version"] = version
    stack.up()
    assert stack.api.get(f"/api/v1/namespaces/{stack.namespace}")["metadata"]["name"] == stack.namespace
    assert "client-key-data" not in stack.run("stack", "export")
