"""An `up` that is killed anywhere is finished by the next one: nothing lost, orphaned or taken from others."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
import yaml
from clone import Clone

# Seeds fix where in the `up` the kill falls; a failure is repeated by its victim, which goes through all of them.
SEEDS = (11, 22, 33, 44, 55)
SECOND_MODEL = "second"
FINISHED = re.compile(r"(created|updated|deleted) \(")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
KINDS = (
    "deployment,service,hpa,pdb,networkpolicy,resourcequota,limitrange,role,rolebinding,secret,serviceaccount,configmap,"
    "gateway,httproute"
)


class Simulated(Clone):
    """A sandbox with simulated nodes, where an `up` takes seconds; the stack has one model more or has not."""

    baseline: dict

    def shell(self) -> dict[str, str]:
        # The policies are not what is interrupted here.
        return {name: value for name, value in super().shell().items() if name != "PULUMI_OPTION_POLICY_PACK"}

    def write(self, *, second: bool) -> None:
        path = self.directory / "stacks" / "Pulumi.local.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"] = json.loads(json.dumps(self.baseline))
        if second:
            models = document["config"]["ml-platform:models"]
            models[SECOND_MODEL] = json.loads(json.dumps(models["iris"]))
            if "route" in models[SECOND_MODEL]:
                models[SECOND_MODEL]["route"]["host"] = f"{SECOND_MODEL}.localhost"
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def finish(self) -> None:
        """Do what a user does after an interruption, as docs/interruptions.md says."""
        done = self.up(check=False, quick=True)
        if done.returncode and "pulumi cancel" in done.stdout:
            self.run("pulumi", "cancel", "-s", "local", "--yes")
            done = self.up(check=False, quick=True)
        if done.returncode or "pending operations" in done.stdout:
            self.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", "--clear-pending-creates")
            done = self.up(check=False, quick=True)
        assert done.returncode == 0, done.stdout

    def state(self) -> dict[str, object]:
        """Return what the state says, without what differs between any two runs: since when a version serves."""
        exported = self.json_text("pulumi", "stack", "export", "-s", "local")
        deployment = json.loads(TIME.sub("<time>", exported))["deployment"]
        assert not deployment.get("pending_operations")
        return {resource["urn"]: resource.get("inputs", {}) for resource in deployment["resources"]}

    def live(self) -> dict[str, object]:
        """Return every object of our kinds that is in the cluster and no controller's child."""
        listed = self.kubectl("get", KINDS, "--all-namespaces", "-l", "app.kubernetes.io/managed-by=pulumi")
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
            for process in psutil.process_iter(["cmdline", "environ"])
            if name in " ".join(process.info["cmdline"] or [])
            and (marker in " ".join(process.info["cmdline"] or []) or marker in str(process.info["environ"] or {}))
        ]


@pytest.fixture(scope="module")
def sandbox():
    with TemporaryDirectory(prefix="ml-platform-interrupt-", ignore_cleanup_errors=True) as name:
        clone = Simulated.make(Path(name) / "clone", environment={"SANDBOX_NODES": "simulated"})
        try:
            clone.sandbox("up")
            clone.baseline = yaml.safe_load((clone.directory / "stacks" / "Pulumi.local.yaml").read_text())["config"]
            yield clone
        finally:
            clone.take_down()


@pytest.fixture(scope="module")
def undisturbed(sandbox):
    """What an `up` that nobody disturbed ends with, with the second model and without: state and live objects."""
    expected = {}
    for second in (True, False):
        sandbox.write(second=second)
        sandbox.up(quick=True)
        expected[second] = (sandbox.state(), sandbox.live())
    assert expected[True][1].keys() > expected[False][1].keys()
    return expected


def interrupt(sandbox: Simulated, victim: str, seed: int) -> None:
    """Start an `up` and kill the victim strictly between its first and last step."""
    steps = random.Random(seed).randint(1, 8)
    process = sandbox.start(
        "pulumi", "up", "-s", "local", "--yes", "--skip-preview", "--non-interactive", "--color=never"
    )
    finished, shown = 0, []
    for line in process.stdout:
        shown.append(line)
        finished += bool(FINISHED.search(line))
        if finished >= steps:
            break
    assert process.poll() is None, f"the up ended before the kill:\n{''.join(shown)}"
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


def settled(sandbox: Simulated, expected: dict[str, object]) -> dict[str, object]:
    """Return what is live when it is as expected, or after a minute.

    The deletion of a Deployment is not awaited: it goes when the garbage collector, which was started anew with its API
    server, has taken its pods.
    """
    deadline = time.monotonic() + 60
    while (found := sandbox.live()) != expected and time.monotonic() < deadline:
        time.sleep(1)
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["pulumi", "sandbox.plugins.kubernetes", "kube-apiserver", "etcd"])
def test_the_next_up_finishes_what_each_of_five_kills_interrupted(sandbox, undisturbed, victim):
    """In turn an `up` that adds a model and one that takes it away, so that each ends where the next begins."""
    sandbox.write(second=False)
    sandbox.finish()
    for number, seed in enumerate(SEEDS):
        second = number % 2 == 0
        sandbox.write(second=second)
        began = time.monotonic()
        interrupt(sandbox, victim, seed)
        interrupted = time.monotonic() - began
        sandbox.finish()
        print(f"seed {seed}: interrupted in {interrupted:.1f} s, finished in {time.monotonic() - began:.1f} s")
        state, live = undisturbed[second]
        assert settled(sandbox, live) == live, f"seed {seed}"
        assert sandbox.state() == state, f"seed {seed}"
