"""The whole program with the real engine: what `pulumi preview` and `pulumi up` do about a switch."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox.paths import REPOSITORY, Layout
from sandbox.plugins.environment import engine_environment
from sandbox.plugins.install import install_plugins
from sandbox.tools import ToolError, provide

# Each command starts an engine, a program and a provider: seconds on a quiet machine, a multiple on a busy one.
pytestmark = pytest.mark.timeout(300)


class Stack:
    """The repository's program with a stack of its own, in an environment and so a namespace of its own."""

    def __init__(self, directory, engine, plane):
        self.environment = f"e{secrets.token_hex(3)}"
        self.namespace = f"research-{self.environment}"
        self.api = plane.api
        self.directory = directory / "project"
        (self.directory / "stacks").mkdir(parents=True)
        for folder in ("infra", "components"):
            (self.directory / folder).symlink_to(REPOSITORY / folder)
        description = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
        description["runtime"]["options"]["virtualenv"] = sys.prefix
        (self.directory / "Pulumi.yaml").write_text(yaml.safe_dump(description))
        layout = Layout(root=directory / "sandbox")
        layout.backend.mkdir(parents=True)
        layout.passphrase.write_text("correct horse")
        install_plugins(layout.pulumi_home, Path(sys.executable))
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "KUBE"))}
        self._engine, self._environment = engine, clean | engine_environment(layout, policy_pack=None)
        example = (REPOSITORY / "stacks" / "local.simulated.example.yaml").read_text()
        for key, value in {"REGISTRY": "r.example.com", "KUBECONFIG": plane.kubeconfig, "CONTEXT": "sandbox"}.items():
            example = example.replace(f"${{{key}}}", str(value))
        self.config = yaml.safe_load(example)["config"]
        self.config["ml-platform:environment"] = self.environment
        self.model = self.config["ml-platform:models"]["iris"]
        self.run("stack", "init", "local")

    def run(self, *arguments, succeeds=True):
        """Run a command with the configuration as it is now; the engine's own keys in the file stay."""
        kept = self.directory / "stacks" / "Pulumi.local.yaml"
        document = yaml.safe_load(kept.read_text()) if kept.exists() else {}
        kept.write_text(yaml.safe_dump({**document, "config": self.config}))
        done = subprocess.run(
            [self._engine, *arguments, "--color", "never", "--non-interactive"],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        assert (done.returncode == 0) is succeeds, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def up(self, *arguments, succeeds=True):
        return self.run("up", "--yes", "--skip-preview", *arguments, succeeds=succeeds)

    def get(self, rest, group="/api/v1"):
        return self.api.get(f"{group}/namespaces/{self.namespace}/{rest}")

    def patch(self, rest, body, group="/api/v1"):
        path = f"{group}/namespaces/{self.namespace}/{rest}"
        status, answer = self.api.request("PATCH", path, body, content_type="application/merge-patch+json")
        assert status < 300, answer
        return json.loads(answer)

    def service(self):
        return self.get("services/iris")

    def crash(self, slot):
        """Write into a slot's pods what a kubelet would write of a container that keeps ending."""
        for pod in self.get(f"pods?labelSelector=ml-platform%2Fslot%3D{slot}")["items"]:
            container = {
                "name": "model",
                "image": "iris",
                "imageID": "",
                "ready": False,
                "restartCount": 5,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 80s"}},
                "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
            }
            conditions = [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}]
            status = {"conditions": conditions, "containerStatuses": [container]}
            self.patch(f"pods/{pod['metadata']['name']}/status", {"status": status})


@pytest.fixture(scope="session")
def engine():
    try:
        return str(provide(["pulumi"], report=print)["pulumi"].path)
    except ToolError as error:
        pytest.skip(f"no engine on this machine: {error}")


@pytest.fixture
def stack(tmp_path, engine, plane):
    stack = Stack(tmp_path, engine, plane)
    first = stack.up()
    assert "iris: blue 0 → 2 first, then 100 % to version 1 (first deployment)" in first
    yield stack
    plane.api.delete(f"/api/v1/namespaces/{stack.namespace}")


def refused(stack, *reasons, preview):
    """Assert that preview (where it can know) and up refuse for these reasons and leave the Service alone."""
    before = stack.service()["metadata"]["resourceVersion"]
    said = [stack.run("preview", succeeds=False)] if preview else []
    said.append(stack.up(succeeds=False))
    for text in said:
        for reason in reasons:
            assert reason in text
    assert stack.service()["metadata"]["resourceVersion"] == before


def test_a_switch_grows_its_target_and_within_the_soak_another_up_changes_nothing(stack):
    stack.patch("deployments/iris-blue", {"spec": {"replicas": 4}}, "/apis/apps/v1")
    stack.patch("deployments/iris-green/scale", {"spec": {"replicas": 0}}, "/apis/apps/v1")
    stack.model["active"] = "green"
    stack.model["idle"]["soak"] = 600
    words = "iris: green 0 → 4 first, then 100 % to version 2 (cold); both slots keep at least 4 until "
    assert words in stack.run("preview")
    assert words in stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "green"
    assert stack.get("deployments/iris-green", "/apis/apps/v1")["status"]["readyReplicas"] == 4
    for slot in ("blue", "green"):
        scaler = stack.get(f"horizontalpodautoscalers/iris-{slot}", "/apis/autoscaling/v2")
        assert scaler["spec"]["minReplicas"] == 4
        assert scaler["metadata"]["annotations"]["ml-platform/hold"].startswith("4 until ")
    stack.up("--expect-no-changes")


def test_a_switch_together_with_a_change_of_the_serving_slot_is_refused(stack):
    stack.model["active"] = "green"
    stack.model["versions"]["1"]["env"] = {"THRESHOLD": "0.9"}
    template = stack.get("deployments/iris-blue", "/apis/apps/v1")["spec"]["template"]
    refused(stack, "slot blue, which serves now, would change", "add a version instead", preview=True)
    assert stack.get("deployments/iris-blue", "/apis/apps/v1")["spec"]["template"] == template


@pytest.mark.usefixtures("impatient")
def test_a_switch_to_a_crash_looping_slot_is_refused(stack):
    stack.crash("green")
    stack.model["active"] = "green"
    refused(stack, "iris", "CrashLoopBackOff (exit code 2, Error), 5 restarts", preview=True)


def test_a_hand_changed_image_is_refused(stack):
    container = {"name": "model", "image": f"r.example.com/iris@sha256:{'9' * 64}"}
    deployment = stack.get("deployments/iris-green", "/apis/apps/v1")
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"] = [{**spec["containers"][0], **container}]
    stack.patch("deployments/iris-green", {"spec": {"template": {"spec": spec}}}, "/apis/apps/v1")
    stack.model["active"] = "green"
    refused(stack, "iris-green runs image", "9" * 64, "pulumi refresh", preview=True)


def test_a_selector_that_another_hand_changed_fails_the_up_and_refresh_mends_it(stack):
    stack.patch("services/iris", {"spec": {"selector": {"ml-platform/slot": "green"}}})
    said = stack.up(succeeds=False)
    assert "another hand changed it. Run `pulumi refresh`, then `pulumi up` again" in said
    stack.run("refresh", "--yes", "--skip-preview")
    stack.up()
    assert stack.service()["spec"]["selector"]["ml-platform/slot"] == "blue"
