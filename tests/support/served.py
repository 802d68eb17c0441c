"""A sandbox with real nodes and the example model, as `make up` leaves it: what tests and measurements work on."""

from __future__ import annotations

import copy
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml
from clone import Clone

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path


HOLD = "ml-platform/hold"
# What a test may ask of the engine without changing what the last `up` applied.
ASKING = ("config", "preview", "stack")


class Platform(Clone):
    """A sandbox with real nodes and the example model, as `make up` leaves it."""

    first_up = ""
    first_up_seconds = 0.0
    pristine: dict
    applied: dict | None = None
    """The configuration that is live; None where an `up` failed, or another command may have changed what is live."""

    def bring_up(self, timeout: float = 1800) -> None:
        """Run `python -m sandbox up` from a fresh stack file's configuration and keep how long it took."""
        if self.stack_file.exists():
            self.write(copy.deepcopy(self.pristine))
        began = time.monotonic()
        self.first_up = self.sandbox("up", timeout=timeout).stdout
        self.first_up_seconds = time.monotonic() - began
        self.is_down, self._shell, self.applied = False, None, None
        self.pristine = self.config()
        # No test finds more pods than it declares because the one before it caused load: how slots grow with their
        # load has its own test, in test_real_autoscaling.py.
        self.pristine["ml-platform:models"]["iris"]["scale"] = {"min": 2, "max": 2}
        self._namespace = self.outputs()["models"]["iris"]["namespace"]

    @property
    def stack_file(self) -> Path:
        return self.directory / "stacks" / "Pulumi.local.yaml"

    def config(self) -> dict:
        return yaml.safe_load(self.stack_file.read_text())["config"]

    def write(self, config: dict) -> None:
        document = yaml.safe_load(self.stack_file.read_text())
        document["config"] = config
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def model(self, **changes: object) -> None:
        """Change keys of model iris in the stack file; None removes a key."""
        config = self.config()
        model = config["ml-platform:models"]["iris"]
        for key, value in changes.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        self.write(config)

    def add_version(self, name: str, version: dict) -> None:
        config = self.config()
        config["ml-platform:models"]["iris"]["versions"][name] = version
        self.write(config)

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        self._note(command)
        return super().run(*command, **options)

    def start(self, *command: str) -> subprocess.Popen[str]:
        self._note(command)
        return super().start(*command)

    def _note(self, command: Sequence[str]) -> None:
        engine = command[0] == "pulumi" and command[1] not in ASKING
        if engine or "rollout" in command:
            self.applied = None

    def up(self, **options: Any) -> subprocess.CompletedProcess[str]:
        config = self.config()
        done = super().up(**options)
        if not done.returncode:
            self.applied = config
        return done

    def reset(self) -> None:
        """Bring the stack back to what the first `up` made."""
        self.write(copy.deepcopy(self.pristine))
        if self.applied != self.pristine:
            self._restore()
        self.eventually(self._stands, within=120, what="both slots are ready")

    def _stands(self) -> bool:
        slots = self.kubectl("get", "deployments", "iris-blue", "iris-green", "-n", self.namespace)["items"]
        return all(slot["status"].get("readyReplicas", 0) >= slot["spec"]["replicas"] for slot in slots)

    def _restore(self) -> None:
        done = self.up(check=False, quick=True)
        if not done.returncode:
            return
        # A test left the cluster other than its state says; refresh is what the error tells users to run.
        self.run("pulumi", "cancel", "-s", "local", "--yes", check=False)
        self.run("pulumi", "refresh", "-s", "local", "--yes", "--non-interactive", check=False)
        if self.up(check=False, quick=True).returncode:
            # Or it left a slot serving that would change together with the switch back, which is refused: without
            # its model the stack has nothing to go back from, and the ledger of what has served begins anew.
            config = copy.deepcopy(self.pristine)
            config["ml-platform:models"] = {}
            self.write(config)
            self.up(quick=True)
            # Pods that drain still count in the quota.
            pods = ("get", "pods", "-n", self.namespace)
            self.eventually(lambda: not self.kubectl(*pods)["items"], within=120, what="no pod is left")
            self.write(copy.deepcopy(self.pristine))
            self.up(quick=True)

    def let_go(self) -> None:
        """End what a switch or a canary holds, as if its soak were over: what is then declared is what stays."""
        scalers = self.kubectl("get", "hpa", "-n", self.namespace)["items"]
        held = [each["metadata"]["name"] for each in scalers if HOLD in each["metadata"].get("annotations", {})]
        if held:
            self.run("kubectl", "annotate", "hpa", *held, f"{HOLD}-", "-n", self.namespace)
            self.up(quick=True)

    def soak_over(self) -> None:
        """Wait until nothing that a switch or a canary holds is in force any more."""
        scalers = self.kubectl("get", "hpa", "-n", self.namespace)["items"]
        holds = [each["metadata"].get("annotations", {}).get(HOLD, "") for each in scalers]
        ends = [datetime.fromisoformat(hold.rpartition(" ")[2]) for hold in holds if hold]
        left = (max(ends) - datetime.now(UTC)).total_seconds() if ends else 0.0
        time.sleep(max(0.0, left))

    def active(self) -> str:
        return self.kubectl("get", "service", "iris", "-n", self.namespace)["spec"]["selector"]["ml-platform/slot"]

    @property
    def namespace(self) -> str:
        return self.outputs()["models"]["iris"]["namespace"] if not self._namespace else self._namespace

    _namespace = ""

    def url(self, service: str = "iris") -> str:
        spec = self.kubectl("get", "service", service, "-n", self.namespace)["spec"]
        return f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}"

    def gateway(self) -> str:
        """Return the address of the sandbox's gateway, which tells models apart by the Host header."""
        return self.shell()["SANDBOX_GATEWAY"]

    def host(self, model: str = "iris") -> str:
        """Return the host under which users from outside reach a model."""
        return urlsplit(self.outputs()["models"][model]["url"]).netloc
