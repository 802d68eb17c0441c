"""The repository's program as a stack of its own on a real engine, for tests on an API server that stands already."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import yaml

from sandbox.paths import REPOSITORY, Layout
from sandbox.plugins.environment import engine_environment
from sandbox.plugins.install import install_plugins


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
        self.model = self.config["ml-platform:models"].get("iris")
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

    def secret(self, name, value):
        """Set a secret as a user does, and take over what the command wrote into the stack's file."""
        self.run("config", "set", "--secret", "--path", f"ml-platform:secrets.{name}", value)
        written = yaml.safe_load((self.directory / "stacks" / "Pulumi.local.yaml").read_text())["config"]
        self.config.update(written)
        self.model = self.config["ml-platform:models"].get("iris")

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
