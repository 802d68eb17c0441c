"""An `up` that is killed anywhere is finished by the next one: nothing lost, orphaned or taken from others."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import yaml
from clone import Clone

# Seeds fix where in the `up` the kill falls; a failure is repeated by its seed.
SEEDS = (11, 22, 33, 44, 55)
SECOND_MODEL = "second"
STEP = re.compile(r"^ *[+~-]+ +\S+ \S+ (created|updated|deleted|creating|updating|deleting)")
FINISHED = re.compile(r"(created|updated|deleted) \(")


class Simulated(Clone):
    """A sandbox with simulated nodes, where an `up` takes seconds."""

    baseline: dict

    def up(self, *, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run an `up` without what is not the subject here: the preview before it and the policies."""
        words = ("pulumi", "up", "-s", "local", "--yes", "--skip-preview", "--non-interactive", "--color", "never")
        return self.run(*words, check=check, timeout=timeout)

    def shell(self) -> dict[str, str]:
        return {name: value for name, value in super().shell().items() if name != "PULUMI_OPTION_POLICY_PACK"}

    @property
    def stack_file(self) -> Path:
        return self.directory / "stacks" / "Pulumi.local.yaml"

    def write(self, config: dict) -> None:
        document = yaml.safe_load(self.stack_file.read_text())
        document["config"] = config
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def with_second_model(self) -> dict:
        config = json.loads(json.dumps(self.baseline))
        models = config["ml-platform:models"]
        models[SECOND_MODEL] = json.loads(json.dumps(models["iris"]))
        return config

    def finish(self) -> None:
        """Do what a user does after an interruption, as docs/interruptions.md says."""
        done = self.up(check=False)
        if done.returncode and "pulumi cancel" in done.stdout:
            self.run("pulumi", "cancel", "-s", "local", "--yes")
            done = self.up(check=False)
        if done.returncode or "pending operations" in done.stdout:
            self.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", "--clear-pending-creates")
            done = self.up(check=False)
        assert done.returncode == 0, done.stdout

    def state(self) -> dict[str, object]:
        """Return what the state says, without what differs between any two runs."""
        deployment = json.loads(self.json_text("pulumi", "stack", "export", "-s", "local"))["deployment"]
        assert not deployment.get("pending_operations")
        return {resource["urn"]: inputs(resource) for resource in deployment["resources"]}

    def live(self) -> dict[str, object]:
        """Return every object of our kinds that is in the cluster and no controller's child."""
        kinds = (
            "deployment,service,hpa,pdb,networkpolicy,resourcequota,limitrange,role,rolebinding,secret,serviceaccount"
        )
        listed = self.kubectl("get", kinds, "--all-namespaces", "-l", "app.kubernetes.io/managed-by=pulumi")
        return {
            "/".join([item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]]): item.get("spec", {}).get(
                "selector"
            )
            for item in listed["items"]
        }

    def pids(self, name: str) -> list[int]:
        """Return the host's pids of this sandbox's process of that name."""
        marker = str(self.directory)
        return [
            process.pid
            for process in psutil.process_iter(["name", "cmdline", "environ"])
            if name in " ".join(process.info["cmdline"] or [])
            and (marker in " ".join(process.info["cmdline"] or []) or marker in str(process.info["environ"] or {}))
        ]


def inputs(resource: dict) -> object:
    return json.loads(json.dumps(resource.get("inputs", {}), sort_keys=True))


@pytest.fixture(scope="module")
def sandbox():
    root = Path(tempfile.mkdtemp(prefix="ml-platform-interrupt-"))
    clone = Simulated.make(root / "clone", environment={"SANDBOX_NODES": "simulated"})
    try:
        clone.sandbox("up")
        clone.baseline = yaml.safe_load(clone.stack_file.read_text())["config"]
        yield clone
    finally:
        clone.sandbox("down")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def undisturbed(sandbox):
    """What an `up` that nobody disturbed ends with: state and live objects."""
    if not hasattr(sandbox, "expected"):
        sandbox.write(sandbox.with_second_model())
        sandbox.up()
        sandbox.expected = (sandbox.state(), sandbox.live())
    sandbox.write(sandbox.baseline)
    sandbox.up()
    return sandbox.expected


def interrupt(sandbox: Simulated, victim: str, seed: int) -> None:
    """Start the `up` that adds a model and kill the victim strictly between its first and last step."""
    steps = random.Random(seed).randint(1, 8)
    process = sandbox.start(
        "pulumi", "up", "-s", "local", "--yes", "--skip-preview", "--non-interactive", "--color=never"
    )
    finished = 0
    for line in process.stdout:
        finished += bool(FINISHED.search(line))
        if finished >= steps:
            break
    assert process.poll() is None, "the up ended before the kill"
    if victim == "pulumi":
        os.kill(process.pid, signal.SIGKILL)
    else:
        pids = sandbox.pids(victim)
        assert pids, f"no process of {victim}"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    if victim in ("kube-apiserver", "etcd"):
        # Long enough that requests fail, and what supervises a control plane elsewhere does: it starts it again.
        time.sleep(3)
        sandbox.run(".venv/bin/python", "-m", "sandbox", "start-cluster", environment=sandbox.environment)
    try:
        process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("victim", ["pulumi", "sandbox.plugins.kubernetes", "kube-apiserver", "etcd"])
def test_the_next_up_finishes_what_a_kill_interrupted(sandbox, undisturbed, victim, seed):
    sandbox.write(sandbox.with_second_model())
    interrupt(sandbox, victim, seed)
    began = time.monotonic()
    sandbox.finish()
    print(f"finished in {time.monotonic() - began:.1f} s")
    assert (sandbox.state(), sandbox.live()) == undisturbed
